-- Give this transaction numbers of its own for new profiles: a sequence does not roll back, and the real one would be
-- left with gaps. They are negative, so that they meet no real one, and begin at random, lest two dry runs meet.
-- In: start. Out: a temporary sequence that hides the real one.
CREATE TEMP SEQUENCE profile_ids INCREMENT BY -1 MINVALUE -9223372036854775807 START WITH {start}
