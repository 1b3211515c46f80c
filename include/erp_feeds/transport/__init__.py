"""The outside world of files: FTPS server, archive of originals, zips, and what the steps hand on."""
