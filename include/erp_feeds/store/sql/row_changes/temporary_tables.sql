-- The temporary tables of this session, which a load leaves until its transaction ends. Out: name.
SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r'
