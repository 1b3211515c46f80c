"""The command line: describe what is configured, ask the store; heavy imports wait inside the commands."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from erp_feeds.cli import configuration, erasure, mapping, replaying, server, stored
from erp_feeds.errors import FeedError


class _PlainErrors(TyperGroup):
    """Says a fault that has words for people in one message, without a stack trace."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a FeedError becomes a message on stderr and exit code 1."""
        try:
            return super().invoke(ctx)
        except FeedError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_PlainErrors,
    help="ERP exports on FTPS become clean profiles, orders, returns and price-list links.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a trace with local variables would show personal data
)

for _command in (
    configuration.check,
    configuration.interfaces,
    configuration.sample,
    configuration.schema,
    configuration.docs,
    server.enable,
    server.doctor,
    mapping.mapping,
    stored.migrate,
    stored.status,
    stored.files,
    stored.profile,
    stored.orders,
    stored.account,
    stored.invoice_graph,
    stored.rejects,
    stored.record,
    replaying.replay,
    erasure.forget,
    erasure.unforget,
):
    app.command()(_command)
