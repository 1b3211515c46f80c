"""What operators ask for: doctor, dry run, record trace, erasure, archive search, retention."""
