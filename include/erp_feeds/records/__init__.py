"""The rules of each kind of record: key, identity, skip rules, collapse, load columns."""
