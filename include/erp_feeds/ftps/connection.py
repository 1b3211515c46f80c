"""An Airflow connection as the hook reads it; its extras are declared once, for hook, form and docs."""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from erp_feeds.errors import ConfigurationError, in_words, nearest

if TYPE_CHECKING:
    from airflow.sdk import Connection

EXPLICIT_PORT = 21
IMPLICIT_PORT = 990
DAY = 24 * 60 * 60
PLAIN_ASCII = "".join(map(chr, range(32, 127)))
_HOST = re.compile(r"[A-Za-z0-9._:%-]+")


class Extras(BaseModel):
    """What a connection may say besides host, port, login and password."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    tls: Literal["explicit", "implicit"] = Field(
        "explicit",
        title="TLS mode",
        description="explicit: AUTH TLS on the plain port (21). implicit: TLS from the first byte (port 990)",
    )
    ca_file: Path | None = Field(
        None,
        title="CA file",
        description="PEM file of the authority to verify the server with; the machine's own where empty",
    )
    verify: bool = Field(
        default=True,
        title="Verify certificate",
        description="Off: any server can pretend to be this one; each use is logged",
    )
    cert_file: Path | None = Field(
        None,
        title="Client certificate",
        description="PEM file, for servers that require one",
    )
    key_file: Path | None = Field(
        None, title="Client key", description="PEM file of its key; empty where cert_file holds both"
    )
    key_password: SecretStr | None = Field(
        None, title="Client key password", description="Where the key is encrypted"
    )
    max_tls: Literal["1.2", "1.3"] | None = Field(
        None,
        title="Highest TLS version",
        description="1.2 for servers whose data connections cannot resume a TLS 1.3 session",
    )
    connect_timeout: float = Field(
        30,
        gt=0,
        le=DAY,
        title="Connect timeout",
        description="Seconds for connection, TLS and login together",
    )
    timeout: float = Field(
        30,
        gt=0,
        le=DAY,
        title="Read timeout",
        description="Seconds without a reply, or below the minimal rate, after which an attempt fails",
    )
    operation_timeout: float = Field(
        300,
        gt=0,
        le=DAY,
        title="Operation timeout",
        description="Seconds for a command or listing; a download gets what its size needs at the minimal "
        "rate in addition",
    )
    min_rate: int = Field(
        10_000,
        gt=0,
        le=1_000_000_000,
        title="Minimal rate",
        description="Bytes a second below which a transfer counts as stalled",
    )
    max_reply_kb: float = Field(
        256, gt=0, le=10_000, title="Longest reply (kB)", description="Limit of all replies of one operation"
    )
    max_listing_mb: float = Field(
        64, gt=0, le=10_000, title="Largest listing (MB)", description="Limit of the listing of one folder"
    )
    max_listing_entries: int = Field(
        200_000, gt=0, title="Most entries", description="Limit of names in one folder"
    )
    max_file_mb: float = Field(
        20_000, gt=0, le=10_000_000, title="Largest file (MB)", description="A larger file is not fetched"
    )
    close_notify: bool = Field(
        default=True,
        title="Proper end of TLS",
        description="Off, only for servers that never end TLS on data connections: a file must then have the "
        "size that the server says, and a listing that was cut after a whole line shows fewer names",
    )
    passive: bool = Field(
        default=True,
        title="Passive mode",
        description="Off: active mode, the server connects back to this machine",
    )
    encoding: str = Field(
        "utf-8",
        title="Encoding of file names",
        description="Names that are not in it are read as Windows-1252",
    )

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, values: Any) -> Any:
        """Let an empty field of the form mean what a missing one means."""
        return {name: value for name, value in values.items() if value not in ("", None)}

    @field_validator("max_tls", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        """Take 1.2 as JSON's number too."""
        return str(value) if isinstance(value, float) else value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            if PLAIN_ASCII.encode(value) != PLAIN_ASCII.encode("ascii"):
                raise ValueError(
                    "commands are ASCII, so it must be an encoding that holds ASCII: utf-8, cp1252"
                )
            return codecs.lookup(value).name
        except LookupError:
            raise ValueError("no such encoding of text, for example utf-8 or cp1252") from None

    @field_validator("ca_file", "cert_file", "key_file", "key_password", mode="before")
    @classmethod
    def _one_line(cls, value: Any) -> Any:
        if isinstance(value, str) and min(value, default=" ") < " ":
            raise ValueError("it holds a line break or another control character: remove it")
        return value

    @property
    def default_port(self) -> int:
        """The port where the connection names none."""
        return IMPLICIT_PORT if self.tls == "implicit" else EXPLICIT_PORT


@dataclass(frozen=True)
class Server:
    """Where a connection leads, and how to get in there."""

    connection_id: str
    host: str
    port: int
    login: str
    password: str = field(repr=False)
    extras: Extras

    @property
    def place(self) -> str:
        """Name of the server in messages and logs."""
        return f"FTPS connection '{self.connection_id}' ({self.host})"


def server_of(connection: Connection) -> Server:
    """Read an Airflow connection.

    Raises:
        ConfigurationError: names the field or extra and what is wrong with it.
    """
    name = connection.conn_id
    host = connection.host or ""
    if not host:
        raise ConfigurationError(f"Airflow connection '{name}' names no host", "invalid_connection")
    for field_name, text in (("login", connection.login), ("password", connection.password)):
        if any(character in (text or "") for character in "\r\n\0"):
            message = f"Airflow connection '{name}': {field_name} holds a line break: remove it"
            raise ConfigurationError(message, "invalid_connection")
    extras = extras_of(name, _extra_of(connection))
    port = connection.port or extras.default_port
    if not 0 < port < 65536:
        raise ConfigurationError(
            f"Airflow connection '{name}': port {port} does not exist", "invalid_connection"
        )
    return Server(
        connection_id=name,
        host=_host(name, host),
        port=port,
        login=connection.login or "",
        password=connection.password or "",
        extras=extras,
    )


def _extra_of(connection: Connection) -> Any:
    """Return the extra of a connection; Airflow would silently treat invalid JSON as an empty extra."""
    try:
        json.loads(connection.extra or "{}")
    except ValueError as error:
        message = f"Connection '{connection.conn_id}': its extra is no JSON ({error}): correct it"
        raise ConfigurationError(message, "invalid_connection") from None
    return connection.extra_dejson or {}


def _host(connection_id: str, host: str) -> str:
    """Return a host name as the network knows it."""
    try:
        plain = host.encode("idna").decode()
    except UnicodeError:
        plain = ""
    if not _HOST.fullmatch(plain):
        message = f"Airflow connection '{connection_id}': this cannot be a host name: correct 'host'"
        raise ConfigurationError(message, "invalid_host")
    return plain


def extras_of(connection_id: str, extras: Any) -> Extras:
    """Read the extras of a connection.

    Raises:
        ConfigurationError: names the extra and what is wrong with it.
    """
    if not isinstance(extras, dict):
        raise ConfigurationError(
            f"Connection '{connection_id}': its extra is no JSON object", "invalid_connection"
        )
    try:
        return Extras.model_validate(extras)
    except ValidationError as error:
        found = "; ".join(_error_text(each) for each in error.errors())
        message = f"Connection '{connection_id}', extra {found}"
        raise ConfigurationError(message, "invalid_connection") from None


def _error_text(error: Any) -> str:
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return f"{name}: there is no such extra, {nearest(name, Extras.model_fields)}"
    return f"{name}: {in_words(error)}"


def field_schemas() -> dict[str, dict[str, Any]]:
    """Return each extra as JSON schema: type (with null where it may be absent), default, choices, format."""
    schemas: dict[str, dict[str, Any]] = {}
    for name, schema in Extras.model_json_schema()["properties"].items():
        choices = schema.get("anyOf", [schema])
        facts = {
            key: value for choice in choices for key, value in choice.items() if key in ("enum", "format")
        }
        types = [choice["type"] for choice in choices]
        schemas[name] = {"type": types if len(types) > 1 else types[0], **facts}
        if schema.get("default") is not None:
            schemas[name]["default"] = schema["default"]
        if facts.get("format") == "path":
            del schemas[name]["format"]
    return schemas
