"""PostgreSQL: the ledger of files, the load of their records, and the tables that hold them."""
