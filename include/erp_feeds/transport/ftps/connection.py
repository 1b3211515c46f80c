"""An Airflow connection as the hook reads it; its extras are declared once, for hook, form and docs."""

from __future__ import annotations

import codecs
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

from erp_feeds.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow.sdk import Connection

EXPLICIT_PORT = 21
IMPLICIT_PORT = 990


class Extras(BaseModel):
    """What a connection may say beside host, port, login and password."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

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
        description="Off: anybody may pose as the server; each use is logged",
    )
    cert_file: Path | None = Field(
        None, title="Client certificate", description="PEM file, where the server wants to know the client"
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
        15,
        gt=0,
        allow_inf_nan=False,
        title="Connect timeout",
        description="Seconds until a server that does not answer is given up",
    )
    timeout: float = Field(
        30,
        gt=0,
        allow_inf_nan=False,
        title="Read timeout",
        description="Seconds of silence after which a transfer counts as stalled",
    )
    passive: bool = Field(
        default=True,
        title="Passive mode",
        description="Off: the server connects back to this machine (active mode)",
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
            return codecs.lookup(value).name
        except LookupError:
            raise ValueError("no such encoding, for example utf-8 or cp1252") from None

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
        """The server in the words of messages and logs."""
        return f"FTPS connection '{self.connection_id}' ({self.host})"


def server_of(connection: Connection) -> Server:
    """Read an Airflow connection.

    Raises:
        ConfigurationError: names the field or extra and what is wrong with it.
    """
    name = connection.conn_id
    if not connection.host:
        raise ConfigurationError(f"Airflow connection '{name}' names no host", "invalid_connection")
    extras = extras_of(name, connection.extra_dejson or {})
    return Server(
        connection_id=name,
        host=connection.host,
        port=connection.port or extras.default_port,
        login=connection.login or "",
        password=connection.password or "",
        extras=extras,
    )


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
        faults = "; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors())
        message = f"Connection '{connection_id}', extra {faults}"
        raise ConfigurationError(message, "invalid_connection") from None
