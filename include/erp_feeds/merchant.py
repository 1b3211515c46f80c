"""The merchant file: the one reader of its YAML, and a model that refuses what it does not know."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from erp_feeds.errors import ConfigurationError, nearest

Location = tuple[str | int, ...]
"""Keys and positions that lead to a place of the file."""

Fault = tuple[Location, str]
"""Where, and what is wrong there."""


class _Strict(BaseModel):
    """Frozen, and refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, serialize_by_alias=True)


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


class LinkSettings(_Strict):
    """How one target is filled."""

    source: str | None = Field(
        None, alias="from", min_length=1, description="Column name, or name of an extra element"
    )
    join: tuple[str, ...] = Field(
        (), description="Several of them, joined by a blank; missing ones are left out"
    )
    transform: str | None = Field(None, description="Named transform; that of the target by default")
    date_form: str | None = Field(
        None, description="How the ERP writes a date: %d, %m and %Y once each, for example %d-%m-%Y"
    )
    empty: Literal["keep", "clear"] = Field(
        "keep", description="What an empty element does to the field; a missing one always keeps it"
    )

    @property
    def sources(self) -> tuple[str, ...]:
        """Return the names that fill the target."""
        return self.join if self.source is None else (self.source,)

    @model_validator(mode="before")
    @classmethod
    def _a_link(cls, value: object) -> object:
        if not isinstance(value, dict):
            raise ValueError("a link is {from: NAME} or {join: [NAME, NAME]}; null unlinks a default")  # noqa: TRY004 - pydantic tells of no TypeError
        return value

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.source is None) == (not self.join):
            raise ValueError("a link has either from or join")
        if self.join and (len(self.join) < 2 or len(set(self.join)) < len(self.join)):
            raise ValueError("a join has two or more different parts; for one, write from")
        return self

    @field_validator("date_form")
    @classmethod
    def _whole_dates(cls, value: str | None) -> str | None:
        if value is not None and (sorted(re.findall("%(.?)", value)) != ["Y", "d", "m"] or len(value) > 20):
            raise ValueError("a date form has %d, %m and %Y once each, with what stands between them")
        return value


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
    extra_elements: tuple[str, ...] = Field(
        (), description="Elements of a record beside the documented ones, as sources of the mapping"
    )
    mapping: dict[str, LinkSettings | None] = Field(
        default_factory=dict, description="Target -> how it is filled, where not by default; null unlinks it"
    )
    # Never by default: the files are incremental, so each good record is right by itself, and one bad record
    # is a large share of a small file. Worth setting where a file is a whole export, or may break as a whole.
    max_reject_percent: float = Field(
        100,
        ge=0,
        le=100,
        description="Share of refused records above which nothing of a file loads and it is quarantined",
    )
    index: Literal["timestamp", "sequence"] = Field(
        "timestamp", description="sequence: index numbers count up by one, and a gap is a warning"
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


class Retention(_Strict):
    """How long what was received is kept."""

    archive_days: int | None = Field(
        None, gt=0, description="Days after which an archived original is deleted; kept for ever without"
    )


class Feedback(_Strict):
    """What the ERP party gets to read about its own files."""

    format: Literal["xml", "csv"] = Field("xml", description="Layout of the result files")
    folder: str = Field(
        "results",
        pattern=r"^[^/\\\x00-\x1f]+$",
        description="Folder of the result files, below ftps.root; it is made where it is missing",
    )

    @field_validator("folder")
    @classmethod
    def _a_folder(cls, value: str) -> str:
        if value in {".", ".."}:
            raise ValueError("a folder below ftps.root has a name of its own")
        return value


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
    retention: Retention = Retention()
    feedback: Feedback | None = Field(
        None, description="Result files for the ERP party; none are written without"
    )
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


@dataclass(frozen=True)
class Vocabulary:
    """What the layer above knows of interfaces, which this module may not know."""

    columns: Mapping[str, tuple[str, ...]]
    """Interface name -> its column names."""
    mapping_faults: Callable[[str, InterfaceSettings], Iterable[Fault]]
    """Finds what is wrong with the mapping of an interface; locations begin below it."""


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
    faults = [*_interface_faults(data, vocabulary)]
    merchant: Merchant | None = None
    try:
        merchant = Merchant.model_validate(data)
    except ValidationError as error:
        faults = [*_model_faults(error), *faults]
    if merchant and merchant.name != path.stem:
        faults.append((("name",), f"is '{merchant.name}', but the file is {path.name}: name them alike"))
    lines = [f"{path.name}:{_line(node, loc)}: {_dotted(loc)} {text}" for loc, text in faults]
    lines += [f"{path.name}:{line}: {key} is there twice" for line, key in _repeated_keys(node)]
    if lines or merchant is None:
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


def _interface_faults(data: dict[str, Any], vocabulary: Vocabulary) -> Iterator[Fault]:
    """Find the names that no interface declares, and mappings that cannot work."""
    interfaces = data.get("interfaces")
    for name, options in interfaces.items() if isinstance(interfaces, dict) else ():
        if name not in vocabulary.columns:
            yield ("interfaces", str(name)), f"is no interface; {nearest(str(name), vocabulary.columns)}"
            continue
        elements = options.get("elements") if isinstance(options, dict) else None
        known = vocabulary.columns[name]
        for column in elements if isinstance(elements, dict) else ():
            if column not in known:
                message = f"is no field of {name}; {nearest(str(column), known)}"
                yield ("interfaces", name, "elements", str(column)), message
        for location, message in _mapping_faults(name, options, vocabulary):
            yield ("interfaces", name, *location), message


def _mapping_faults(name: str, options: object, vocabulary: Vocabulary) -> Iterable[Fault]:
    try:
        checked = InterfaceSettings.model_validate(options)
    except ValidationError:  # told by the model's own faults
        return ()
    return vocabulary.mapping_faults(name, checked)


def _repeated_keys(root: yaml.Node) -> list[tuple[int, str]]:
    """Find keys that a mapping holds twice, of which YAML would silently take the last: line and key."""
    found: list[tuple[int, str]] = []
    waiting, visited = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in visited:  # an alias may lead back to where it stands
            continue
        visited.add(id(node))
        if isinstance(node, yaml.MappingNode):
            keys = [str(key.value) for key, _ in node.value]
            again = (key for place, (key, _) in enumerate(node.value) if str(key.value) in keys[:place])
            found += [(key.start_mark.line + 1, str(key.value)) for key in again]
            waiting += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
    return sorted(found)


def _model_faults(error: ValidationError) -> Iterator[Fault]:
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
        "retention": Retention,
        "feedback": Feedback,
        "interfaces": LinkSettings if "mapping" in loc[2:3] else InterfaceSettings,
    }
    model = nested.get(str(loc[0]), Merchant) if loc else Merchant
    return [field.alias or name for name, field in model.model_fields.items()]


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
