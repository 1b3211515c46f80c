"""Load: the final frames of files into the store, each whole or not at all; a second run writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

import psycopg

from erp_feeds.batch import FeedFile, by_halves
from erp_feeds.errors import QuarantineError, RetryError
from erp_feeds.interfaces import INTERFACES
from erp_feeds.merchant import Merchant
from erp_feeds.records import KINDS
from erp_feeds.records.kind import LoadMethod
from erp_feeds.steps.groups import OwnNumbers, Pieces, waves_by_key
from erp_feeds.store.connection import transaction
from erp_feeds.store.group_load import LOADERS, GroupLoad, Loaded, NotTogetherError
from erp_feeds.store.waves import PeopleWaves

MOST_WAVES = 25
"""Most in one transaction, of files that name people: each leaves rows in temporary tables that slow down
the next."""


def load_order(file: FeedFile) -> tuple[int, str, Decimal]:
    """Customers before purchases, and each interface in index order (rules: purchases 10, ERP cache 6)."""
    return INTERFACES[file.interface].rank, file.interface, Decimal(file.sequence or file.index_number)


def load_files(
    connection: psycopg.Connection,
    files: Sequence[FeedFile],
    merchant: Merchant,
    run: str,
    pieces_of: Callable[[Sequence[FeedFile]], Pieces],
) -> list[Loaded]:
    """Write the records of some files, their rejects and their ledger rows, in one transaction.

    The rows are as if they had loaded one after the other. A file that is quarantined leaves nothing but,
    where it has too many rejects, these and its ledger row. The others load: where the transaction fails,
    each half of the files loads by itself.

    Args:
        connection: Of the store; whatever transaction it has open is committed first.
        files: Of one interface, as `split` left them, in load order: with counts and sequence.
        merchant: Whose rows are written; other loads of this merchant wait.
        run: Id of the run, for the ledger.
        pieces_of: Gives the final frames of files, and those of their rejects; one piece at a time is read.

    Returns:
        What became of each file.

    Raises:
        RetryError: the store was lost, or two transactions collided.
        FailError: the store does not take the data, or the secret of the suppressed has changed.
    """

    def load(some: Sequence[FeedFile]) -> list[Loaded]:
        names = some[0].name if len(some) == 1 else f"{len(some)} files from {some[0].name} on"
        with transaction(connection, f"loading {names}"):
            return load_within(connection, some, merchant, run, pieces_of(some))

    done: list[Loaded] = []
    for some, outcome in by_halves(files, load, (RetryError, OSError, MemoryError)):
        if not isinstance(outcome, Exception):
            done += outcome
        elif isinstance(outcome, QuarantineError):
            done.append(Loaded(some[0], outcome))
        else:
            raise outcome
    return done


def load_within(
    connection: psycopg.Connection, files: Sequence[FeedFile], merchant: Merchant, run: str, pieces: Pieces
) -> list[Loaded]:
    """Do what `load_files` does, inside a transaction that the caller ends.

    Raises:
        Exception: The files do not load together; the caller undoes what is written.
    """
    load = GroupLoad(connection, files, merchant, run)
    if len(files) > 1:  # how they depend on each other is read from the store
        load.lock()
    for some, part in _waves(connection, files, merchant, pieces):
        if error := load.wave(some, part):
            return [Loaded(load.with_counts(files[0]), error)]
    load.warn_of_index()
    load.save_mapping()
    return load.finish()


def _waves(
    connection: psycopg.Connection, files: Sequence[FeedFile], merchant: Merchant, pieces: Pieces
) -> Iterator[tuple[Sequence[FeedFile], Pieces]]:
    """Yield what loads one after the other, each as its files and their pieces; one file loads at once.

    Raises:
        NotTogetherError: The files make too many waves.
    """
    rows = KINDS[files[0].interface].rows
    numbered = OwnNumbers(pieces, files, LOADERS[rows.loading].through)
    if len(files) == 1:
        yield files, numbered
        return
    (frames,) = numbered  # several files are small ones
    if rows.loading is LoadMethod.BY_KEY:
        waves = waves_by_key(frames, rows.table, files)
    else:
        people = PeopleWaves(connection, merchant, files, frames)
        if len(files) > MOST_WAVES and people.number() > MOST_WAVES:
            raise NotTogetherError
        waves = iter(people)
    for some, part in waves:
        yield some, [part]
