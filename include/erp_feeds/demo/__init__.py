"""What `make run` needs without root or Docker: PostgreSQL, FTPS server, mailbox, real exports, Airflow."""
