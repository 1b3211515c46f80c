"""The command line: describe what is configured, ask the store; heavy imports wait inside the commands."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from typer.core import TyperGroup
from typer.exceptions import TyperException

from erp_feeds.cli import (
    archive,
    config,
    erasure,
    ftps,
    incidents,
    inspect,
    mapping,
    rejects,
    replay,
    server,
    settings,
    tokens,
)
from erp_feeds.cli.output import print_json, say
from erp_feeds.errors import FeedError, in_words


class _PlainErrors(TyperGroup):
    """Says what is wrong in one message without a stack trace: in words, or as JSON with --json."""

    def main(self, args: Any = None, *more: Any, **options: Any) -> Any:
        """Run the command line; with --json also a wrong option becomes JSON on stderr."""
        given = list(sys.argv[1:] if args is None else args)
        if "--json" not in given:
            return super().main(given, *more, **options)
        try:
            code = super().main(given, *more, **{**options, "standalone_mode": False})
        except TyperException as error:
            _say_as_json("usage", error.format_message())
            code = error.exit_code
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a FeedError becomes a message on stderr and exit code 1.

        What is wrong with a value is said in our words, not in those of the library that reads it.
        """
        as_json = "--json" in ctx.args
        try:
            return super().invoke(ctx)
        except FeedError as error:
            _say_as_json(error.code, str(error)) if as_json else say(f"error: {error}", err=True)
            raise typer.Exit(1) from None
        except TyperException as error:
            if isinstance(error.__cause__, ValidationError) and hasattr(error, "message"):
                error.message = "; ".join(map(in_words, error.__cause__.errors()))
            raise


def _say_as_json(code: str, message: str) -> None:
    print_json({"error": {"code": code, "message": message}}, err=True)


app = typer.Typer(
    cls=_PlainErrors,
    help="ERP exports on FTPS become clean profiles, orders, returns and price-list links.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a trace with local variables would show personal data
)


def main() -> None:
    """Run the command line."""
    app()


def _print_version(is_asked: bool) -> None:
    if is_asked:
        say(f"erp-feeds {version('erp-feeds')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    pass


for _command in (
    config.check,
    config.interfaces,
    config.sample,
    config.schema,
    config.docs,
    server.create_folders,
    server.doctor,
    ftps.ftps_server,
    ftps.ftps_account,
    mapping.mapping,
    inspect.migrate,
    inspect.status,
    inspect.files,
    inspect.profile,
    inspect.orders,
    inspect.account,
    inspect.invoice_graph,
    rejects.rejects,
    rejects.record,
    incidents.incidents,
    incidents.dismiss,
    replay.replay,
    replay.approve,
    replay.reindex,
    erasure.forget,
    erasure.unforget,
):
    app.command()(_command)
app.add_typer(archive.app, name="archive")
app.add_typer(settings.app, name="settings")
app.add_typer(tokens.app, name="token")
