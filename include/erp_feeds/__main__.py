"""`python -m erp_feeds`: the command line."""

from __future__ import annotations

from erp_feeds.cli import app

if __name__ == "__main__":
    app(prog_name="python -m erp_feeds")
