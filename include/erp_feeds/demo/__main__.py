"""`python -m erp_feeds.demo`: run, stop, env."""

from __future__ import annotations

from erp_feeds.demo.run import app

if __name__ == "__main__":
    app(prog_name="python -m erp_feeds.demo")
