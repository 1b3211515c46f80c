"""Commands that need no store: check merchant files, show and publish what the interfaces declare."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from erp_feeds.cli.connections import checked_interface, know_connections, merchant_path
from erp_feeds.cli.options import AsJson, interface_names, merchant_names
from erp_feeds.cli.output import print_json, print_table, say
from erp_feeds.errors import counted

if TYPE_CHECKING:
    from erp_feeds.errors import ConfigurationError
    from erp_feeds.interfaces.spec import Interface
    from erp_feeds.merchant import Merchant

Merchants = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="MERCHANT",
        help="Merchants, by name or by file; all by default.",
        autocompletion=merchant_names,
    ),
]
OneInterface = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="One interface; all by default.", autocompletion=interface_names),
]
InterfaceName = Annotated[
    str,
    typer.Argument(metavar="INTERFACE", help="Name of an interface.", autocompletion=interface_names),
]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="File to write; else standard output.")]
SampleOutput = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="An .xml or .zip file, or a folder that gets a zip of the proper name."
    ),
]
Root = Annotated[Path | None, typer.Option(help="Project folder; where this package lies by default.")]
OnlyCheck = Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 when something is stale.")]


def check(merchants: Merchants = None, as_json: AsJson = False) -> None:
    """Check merchant files: each error with file, line, value and the nearest valid name."""
    good, errors = _read([merchant_path(each) for each in merchants or ()])
    listed = [{"code": error.code, "message": line} for error in errors for line in str(error).splitlines()]
    warnings = [f"{each.name}: {warning}" for each in good for warning in _missing_channels(each)]
    if as_json:
        fine = [{"merchant": each.name, "interfaces": list(each.interfaces)} for each in good]
        print_json({"merchants": fine, "errors": listed, "warnings": warnings})
    else:
        for each in good:
            say(f"{each.name}: fine ({', '.join(each.interfaces) or 'no interface yet'})")
        for found in listed:
            say(f"error: {found['message']}", err=True)
        for warning in warnings:
            say(f"warning: {warning}", err=True)
    if errors:
        raise typer.Exit(1)


def _missing_channels(merchant: Merchant) -> list[str]:
    """Return which channels of a merchant's alerts have no connection here, so that nobody hears of them."""
    if not merchant.alerts.email and not merchant.alerts.apprise:
        return []
    know_connections()
    from erp_feeds.orchestration import channels

    with redirect_stdout(sys.stderr):  # Airflow's remarks must not mix with the answer
        return channels.missing_connections(merchant.alerts)


def interfaces(name: OneInterface = None, as_json: AsJson = False) -> None:
    """Show the file name, folder and fields of each interface."""
    from erp_feeds.interfaces import INTERFACES
    from erp_feeds.publish.markdown import field_rows

    chosen = [checked_interface(name)] if name else list(INTERFACES.values())
    if as_json:
        print_json([_described(each) for each in chosen])
        return
    for each in chosen:
        pattern = each.file_name("[SHOPNAME]", "[INDEXNUMBER]")
        columns = ("element", "column", "type", "required", "since", "description", "example")
        print_table(f"{each.name}: /{each.folder}/{pattern}", field_rows(each), columns)


def sample(
    interface: InterfaceName,
    *,
    records: Annotated[int, typer.Option(min=0, help="How many records.")] = 3,
    version: Annotated[str | None, typer.Option(help="Version; the latest by default.")] = None,
    shop: Annotated[str, typer.Option(help="[SHOPNAME] of the file name.")] = "TestShop",
    index: Annotated[str, typer.Option(help="[INDEXNUMBER] of the file name.")] = "20170101000000",
    output: SampleOutput = None,
    as_json: AsJson = False,
) -> None:
    """Write a sample export of an interface."""
    from erp_feeds.publish import samples

    chosen = checked_interface(interface)
    if not re.fullmatch("[0-9]+", index):
        raise typer.BadParameter("--index is digits: no other file is taken")
    pieces = samples.sample(chosen, records, samples.checked_version(chosen, version))
    if output is None and not as_json:
        for piece in pieces:
            say(piece, nl=False)
        return
    facts: dict[str, Any] = {"interface": chosen.name, "version": samples.checked_version(chosen, version)}
    facts |= {"file_name": chosen.file_name(shop, index), "records": records}
    if output is None:
        print_json({**facts, "xml": "".join(pieces)})
        return
    path = output / chosen.file_name(shop, index) if output.is_dir() else output
    with _writing(path, chosen.file_name(shop, index, "xml")) as file:
        for piece in pieces:
            file.write(piece.encode("utf-8"))
    summary = f"{path}: {counted(records, 'record')}"
    print_json({**facts, "path": str(path)}) if as_json else say(summary)


def schema(output: Output = None, as_json: AsJson = False) -> None:  # noqa: ARG001 - a schema is JSON with and without
    """Write the JSON schema of merchant files, for editors and CI."""
    text = _merchant_schema()
    if output is None:
        say(text, nl=False)
    else:
        output.write_text(text, "utf-8")


def docs(root: Root = None, check: OnlyCheck = False, as_json: AsJson = False) -> None:
    """Regenerate docs/*.md, docs/xsd and the merchant schema from the declarations."""
    from erp_feeds.settings import INCLUDE

    folder = root or INCLUDE.parent
    wanted = _documents()
    published = sorted((folder / "docs/xsd").glob("*.xsd"))
    surplus = [path for path in published if _relative(path, folder) not in wanted]
    stale = [name for name, text in wanted.items() if not _holds(folder / name, text)]
    if not check:
        _write_documents(folder, {name: wanted[name] for name in stale}, surplus)
    names = [*stale, *(_relative(path, folder) for path in surplus)]
    if as_json:
        print_json({"stale" if check else "written": names})
    else:
        word = "stale" if check else "written"
        say("\n".join(f"{word}: {name}" for name in names) or "everything is up to date")
    if check and names:
        raise typer.Exit(1)


def _read(paths: list[Path]) -> tuple[list[Merchant], list[ConfigurationError]]:
    from erp_feeds.errors import ConfigurationError
    from erp_feeds.merchant_file import merchant_files, read_files
    from erp_feeds.settings import settings

    folder = settings().merchants
    good, errors = read_files(paths or merchant_files(folder))
    if not good and not errors:
        raise ConfigurationError(f"no merchant file (*.yaml) in {folder}", "no_merchants")
    return good, errors


def _described(interface: Interface) -> dict[str, object]:
    from erp_feeds.publish.markdown import field_rows
    from erp_feeds.publish.samples import versions_of

    return {
        "name": interface.name,
        "title": interface.title,
        "folder": interface.folder,
        "file_name": interface.file_name("[SHOPNAME]", "[INDEXNUMBER]"),
        "record_path": "/".join(interface.record_path),
        "versions": versions_of(interface),
        "key": interface.key,
        "tables": interface.tables,
        "fields": field_rows(interface),
    }


@contextmanager
def _writing(path: Path, member: str) -> Iterator[IO[bytes]]:
    """Open a file for writing, inside a zip where the name asks for one."""
    from zipfile import ZIP_DEFLATED, ZipFile

    if path.suffix.lower() != ".zip":
        with path.open("wb") as file:
            yield file
        return
    with ZipFile(path, "w", ZIP_DEFLATED) as archive, archive.open(member, "w", force_zip64=True) as file:
        yield file


def _documents() -> dict[str, str]:
    """Return every generated file of the project: its path below the root, and its text."""
    from erp_feeds.ftps import connection_page
    from erp_feeds.interfaces import INTERFACES
    from erp_feeds.publish import mapping_page, markdown, runbook
    from erp_feeds.publish.xsd import file_names, xsd

    schemas = {
        f"docs/xsd/{name}": xsd(each, version)
        for each in INTERFACES.values()
        for version, name in file_names(each).items()
    }
    return {
        "docs/ftps-connection.md": connection_page.markdown(),
        "docs/interfaces.md": markdown.markdown(INTERFACES.values()),
        "docs/mapping.md": mapping_page.markdown(INTERFACES.values()),
        "docs/runbook.md": runbook.markdown(),
        **schemas,
        "include/merchants/merchant.schema.json": _merchant_schema(),
    }


def _merchant_schema() -> str:
    from erp_feeds.publish.xsd import merchant_schema

    return json.dumps(merchant_schema(), indent=2, ensure_ascii=False) + "\n"


def _holds(path: Path, text: str) -> bool:
    return path.exists() and path.read_text("utf-8") == text


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _write_documents(root: Path, texts: dict[str, str], surplus: list[Path]) -> None:
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    for path in surplus:
        path.unlink()
