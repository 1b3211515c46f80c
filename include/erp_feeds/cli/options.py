"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
MerchantName = Annotated[str, typer.Argument(metavar="MERCHANT", help="Name of a merchant.")]
Limit = Annotated[int, typer.Option(min=1, help="Show at most so many rows.")]
OneMerchant = Annotated[
    str | None, typer.Argument(metavar="[MERCHANT]", help="One merchant; all by default.")
]
SrsNumber = Annotated[str | None, typer.Option("--srs", help="SRS customer number.")]
Kind = Literal["order", "return"]
