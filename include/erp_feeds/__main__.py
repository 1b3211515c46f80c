"""`erp-feeds`, or `python -m erp_feeds`: the command line."""

from __future__ import annotations

from erp_feeds.cli import main

if __name__ == "__main__":
    main()
