"""Arguments and options that several commands share, with their shell completion."""

from __future__ import annotations

from typing import Annotated, Literal

import typer


def merchant_names(incomplete: str) -> list[str]:
    """Return the merchants that a shell offers."""
    from erp_feeds.cli.connections import known_merchants

    return [name for name in known_merchants() if name.startswith(incomplete)]


def interface_names(incomplete: str) -> list[str]:
    """Return the interfaces that a shell offers."""
    from erp_feeds.interfaces import INTERFACES

    return [name for name in INTERFACES if name.startswith(incomplete)]


def codes(incomplete: str) -> list[str]:
    """Return the codes of rejects and quarantined files that a shell offers."""
    from erp_feeds.codes import REPLAYABLE

    return [code for code in REPLAYABLE if code.startswith(incomplete)]


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
MerchantName = Annotated[
    str, typer.Argument(metavar="MERCHANT", help="Name of a merchant.", autocompletion=merchant_names)
]
Limit = Annotated[int, typer.Option(min=1, help="Show at most so many rows.")]
OneMerchant = Annotated[
    str | None,
    typer.Argument(metavar="MERCHANT", help="One merchant; all by default.", autocompletion=merchant_names),
]
InterfaceOption = Annotated[
    str | None, typer.Option("--interface", help="Only of this interface.", autocompletion=interface_names)
]
CodeOption = Annotated[str | None, typer.Option("--code", help="Only with this code.", autocompletion=codes)]
FieldOption = Annotated[str | None, typer.Option("--field", help="Only of this field.")]
FileOption = Annotated[str | None, typer.Option("--file", help="Only of this file name.")]
RawOption = Annotated[
    bool, typer.Option("--raw", help="Also the record as delivered: it holds personal data.")
]
SrsNumber = Annotated[str | None, typer.Option("--srs", help="SRS customer number.")]
Kind = Literal["order", "return"]
