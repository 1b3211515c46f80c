"""What operators run: doctor, dry run, record trace, erasure, archive search, retention."""
