"""The command line: describe what is configured, ask the store; heavy imports wait inside the commands."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from erp_feeds.cli import config, erasure, inspect, mapping, replay, server
from erp_feeds.cli.output import say
from erp_feeds.errors import FeedError


class _PlainErrors(TyperGroup):
    """Says a fault that has words for people in one message, without a stack trace."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a FeedError becomes a message on stderr and exit code 1."""
        try:
            return super().invoke(ctx)
        except FeedError as error:
            say(f"error: {error}", err=True)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_PlainErrors,
    help="ERP exports on FTPS become clean profiles, orders, returns and price-list links.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a trace with local variables would show personal data
)

for _command in (
    config.check,
    config.interfaces,
    config.sample,
    config.schema,
    config.docs,
    server.enable,
    server.doctor,
    mapping.mapping,
    inspect.migrate,
    inspect.status,
    inspect.files,
    inspect.profile,
    inspect.orders,
    inspect.account,
    inspect.invoice_graph,
    inspect.rejects,
    inspect.record,
    replay.replay,
    erasure.forget,
    erasure.unforget,
):
    app.command()(_command)
