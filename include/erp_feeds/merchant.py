"""The merchant file: the one reader of its YAML, and a model that refuses what it does not know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from erp_feeds.errors import ConfigurationError, nearest

Vocabulary = Mapping[str, tuple[str, ...]]
"""Interface name -> column names; given by the layer above, which knows the interfaces."""


class _Strict(BaseModel):
    """Frozen, and refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Ftps(_Strict):
    """Where the ERP party places files."""

    connection: str = Field(min_length=1, description="Airflow connection id (type ftp) of the FTPS server")
    root: str = Field("/", description="Folder that holds srs and ErpCache; backslashes are accepted")
    poll_interval: float = Field(30, gt=0, description="Seconds between two looks of the watcher")
    stable_for: float = Field(10, ge=0, description="Seconds without change until a file is complete")
    after_load: Literal["leave", "move", "delete"] = Field(
        "leave", description="What becomes of a file on the server once its load has committed"
    )
    processed_folder: str = Field(
        "processed",
        pattern=r"^[^/\\]+$",
        description="Where 'move' puts it, below the folder of its interface",
    )


class InterfaceSettings(_Strict):
    """One interface of this merchant."""

    elements: dict[str, str] = Field(
        default_factory=dict, description="Column name -> element name, where this ERP differs"
    )
    accepted_importers: tuple[str, ...] = Field(
        (), description="Importer texts to accept besides the documented one"
    )
    excluded_skus: tuple[str, ...] = Field(
        (), description="Articles such as deposits that do not decide between order and return"
    )


class Alerts(_Strict):
    """Who hears of a failed task."""

    email: tuple[str, ...] = Field((), description="Addresses of the people on call")
    email_connection: str = Field("smtp_default", description="Airflow connection id (type smtp)")
    email_from: str = Field("erp-feeds@localhost", description="Sender of the alert mails")
    apprise: tuple[str, ...] = Field(
        (), description="Airflow connection ids (type apprise): chat, push, pagers"
    )


class Limits(_Strict):
    """How much a file or run of this merchant may hold; above it a file is quarantined or waits."""

    files_per_run: int = Field(200, gt=0, description="A run takes at most this many files; the rest follow")
    members: int = Field(100, gt=0, description="Members of one zip")
    unzipped_bytes: int = Field(20_000_000_000, gt=0, description="Bytes of one unzipped file")
    ratio: int = Field(1_000, gt=0, description="Unzipped size over zipped size")
    record_bytes: int = Field(
        4_000_000, gt=0, description="Bytes of XML without the end of a record, above which a file is refused"
    )
    depth: int = Field(32, gt=0, le=255, description="Elements within each other, the root included")
    fields: int = Field(
        1_000, gt=0, description="Elements in one record or line, above which the record is refused"
    )
    attributes: int = Field(100, gt=0, description="Attributes of one element")
    namespaces: int = Field(100, gt=0, description="Namespaces declared for all records")
    incomplete_attempts: int = Field(
        3, gt=0, description="Fetches of a truncated file before it is quarantined"
    )


class Merchant(_Strict):
    """One client: one file, one DAG, one FTPS root, one set of rows."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_]*$", description="Id of the DAG and of all rows of this merchant"
    )
    shop_name: str = Field(min_length=1, description="[SHOPNAME] of the file names, letter for letter")
    title: str = Field("", description="Name for people")
    owner: str = Field("data-engineering", description="Team that owns the DAG")
    timezone: str = Field(description="Zone of times without one, for example Europe/Amsterdam")
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code of amounts without one")
    ftps: Ftps
    interfaces: dict[str, InterfaceSettings] = Field(min_length=1, description="Interfaces switched on")
    schedule: str = Field("0 0 * * *", description="Cron of the daily sweep, in the merchant's zone")
    history_from: date = Field(date(2015, 1, 1), description="First day that a backfill may replay")
    alerts: Alerts = Alerts()
    limits: Limits = Limits()
    excluded_identifiers: tuple[str, ...] = Field(
        ("0", "000", "-1"), description="Customer numbers that mean 'no customer'"
    )
    excluded_emails: tuple[str, ...] = Field((), description="E-mail addresses that mean 'no customer'")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"no such time zone; {nearest(value, available_timezones())}")
        return value

    @field_validator("schedule")
    @classmethod
    def _five_parts(cls, value: str) -> str:
        if len(value.split()) != 5:
            raise ValueError("a cron expression has five parts: minute hour day month weekday")
        return value

    @field_validator("excluded_emails")
    @classmethod
    def _lower(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(email.lower() for email in value)


MerchantFile = Annotated[Path, "a YAML file in the folder of merchants"]


def merchant_files(folder: Path) -> list[MerchantFile]:
    """Return the merchant files of a folder, in name order."""
    return sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])


def read_merchant(path: MerchantFile, vocabulary: Vocabulary) -> Merchant:
    """Read and check one merchant file.

    Raises:
        ConfigurationError: names file, line, value and the nearest valid name of every fault.
    """
    node, data = _load(path)
    faults = list(_interface_faults(data, vocabulary))
    merchant: Merchant | None = None
    try:
        merchant = Merchant.model_validate(data)
    except ValidationError as error:
        faults = [*_model_faults(error), *faults]
    if merchant and merchant.name != path.stem:
        faults.append((("name",), f"is '{merchant.name}', but the file is {path.name}: name them alike"))
    if faults or merchant is None:
        lines = [f"{path.name}:{_line(node, loc)}: {_dotted(loc)} {text}" for loc, text in faults]
        raise ConfigurationError("\n".join(lines), "invalid_merchant_file")
    return merchant


def read_merchants(folder: Path, vocabulary: Vocabulary) -> tuple[list[Merchant], list[ConfigurationError]]:
    """Read every merchant file; a bad one becomes an error and removes no other."""
    merchants: list[Merchant] = []
    errors: list[ConfigurationError] = []
    for path in merchant_files(folder):
        try:
            merchants.append(read_merchant(path, vocabulary))
        except ConfigurationError as error:
            errors.append(error)
    return merchants, errors


def _load(path: MerchantFile) -> tuple[yaml.Node, dict[str, Any]]:
    """Return the YAML's node tree (which knows the lines) and its data."""
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    try:
        text = path.read_text("utf-8")
        node = yaml.compose(text, Loader=loader)
        data = yaml.load(text, Loader=loader)  # noqa: S506 - both candidates are safe loaders
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path.name}: not readable as YAML: {error}", "invalid_yaml") from None
    if node is None or not isinstance(data, dict):
        raise ConfigurationError(f"{path.name}:1: a merchant file holds keys and values", "invalid_yaml")
    return node, data


Location = tuple[str | int, ...]


def _interface_faults(data: dict[str, Any], vocabulary: Vocabulary) -> Iterator[tuple[Location, str]]:
    """Find interface and column names that no interface declares."""
    interfaces = data.get("interfaces")
    for name, options in interfaces.items() if isinstance(interfaces, dict) else ():
        if name not in vocabulary:
            yield ("interfaces", str(name)), f"is no interface; {nearest(str(name), vocabulary)}"
            continue
        elements = options.get("elements") if isinstance(options, dict) else None
        for column in elements if isinstance(elements, dict) else ():
            if column not in vocabulary[name]:
                message = f"is no field of {name}; {nearest(str(column), vocabulary[name])}"
                yield ("interfaces", name, "elements", str(column)), message


def _model_faults(error: ValidationError) -> Iterator[tuple[Location, str]]:
    for fault in error.errors():
        loc = fault["loc"]
        if fault["type"] == "extra_forbidden":
            yield loc, f"is no known key; {nearest(str(loc[-1]), _keys_at(loc[:-1]))}"
        elif fault["type"] == "missing":
            yield loc, "is missing and required"
        else:
            message = fault["msg"].removeprefix("Value error, ")
            yield loc, f"is {fault['input']!r}: {message}"


def _keys_at(loc: Location) -> list[str]:
    """Return the keys that the model knows at a place of the file."""
    nested: dict[str, type[BaseModel]] = {
        "ftps": Ftps,
        "alerts": Alerts,
        "limits": Limits,
        "interfaces": InterfaceSettings,
    }
    model = nested.get(str(loc[0]), Merchant) if loc else Merchant
    return list(model.model_fields)


def _line(node: yaml.Node, loc: Location) -> int:
    """Return the line of a location, or of the nearest thing above it that the file holds."""
    line = node.start_mark.line + 1
    for part in loc:
        step = _child(node, part)
        if step is None:
            break
        line, node = step
    return line


def _child(node: yaml.Node, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item = node.value[part]
        return item.start_mark.line + 1, item
    return None


def _dotted(loc: Location) -> str:
    return ".".join(str(part) for part in loc) or "file"
