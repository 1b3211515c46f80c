"""Result files for the ERP party: what became of each of its files."""
