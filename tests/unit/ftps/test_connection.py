"""An Airflow connection as the hook reads it: what each extra takes, and what is refused by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import Connection

from erp_feeds.errors import ConfigurationError
from erp_feeds.ftps.connection import Extras, extras_of, server_of

PASSWORD = "only-for-tests"


def connection(**changes: Any) -> Connection:
    values = {
        "conn_id": "shop_ftps",
        "conn_type": "ftps",
        "host": "ftps.example.com",
        "login": "shop",
        "password": PASSWORD,
    }
    return Connection(**{**values, **changes})


def test_defaults_are_the_safe_ones() -> None:
    extras = extras_of("shop_ftps", {})
    assert extras == Extras()
    assert (extras.tls, extras.verify, extras.passive, extras.encoding) == ("explicit", True, True, "utf-8")


def test_an_empty_field_of_the_form_means_a_missing_one() -> None:
    assert (
        extras_of("shop_ftps", {name: empty for name in Extras.model_fields for empty in ("", None)})
        == Extras()
    )


@pytest.mark.parametrize("value", [False, "false", "False", "0", 0, "no", "off"])
@pytest.mark.parametrize("name", ["verify", "passive"])
def test_off_is_read_in_every_spelling(name: str, value: Any) -> None:
    assert getattr(extras_of("shop_ftps", {name: value}), name) is False


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("timeout", "7.5", 7.5),
        ("connect_timeout", 3, 3.0),
        ("max_tls", 1.2, "1.2"),
        ("max_tls", "1.3", "1.3"),
        ("encoding", "Latin1", "iso8859-1"),
        ("encoding", "UTF8", "utf-8"),
        ("ca_file", "/etc/ca.pem", Path("/etc/ca.pem")),
        ("tls", "implicit", "implicit"),
    ],
)
def test_what_an_extra_takes(name: str, value: Any, read: Any) -> None:
    assert getattr(extras_of("shop_ftps", {name: value}), name) == read


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tls", "none"),
        ("verify", "perhaps"),
        ("passive", "sometimes"),
        ("timeout", "soon"),
        ("timeout", 0),
        ("timeout", -1),
        ("timeout", "nan"),
        ("timeout", "inf"),
        ("connect_timeout", "inf"),
        ("max_tls", "1.1"),
        ("max_tls", 1),
        ("encoding", "klingon"),
        ("ca_file", 5),
        ("key_password", ["only-for-the-key"]),
    ],
)
def test_a_bad_value_is_refused_by_its_name(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"^Connection 'shop_ftps', extra {name}: ") as refused:
        extras_of("shop_ftps", {name: value})
    assert refused.value.code == "invalid_connection"
    assert "only-for-the-key" not in f"{refused.value!r}{refused.value.__cause__!r}"


def test_every_bad_value_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"tls: .*; timeout: "):
        extras_of("shop_ftps", {"tls": "no", "timeout": "no"})


@pytest.mark.parametrize("extra", ["[1]", '"text"', "5"])
def test_an_extra_that_is_no_object_is_refused(extra: str) -> None:
    with pytest.raises(ConfigurationError, match="'shop_ftps': its extra is no JSON object"):
        server_of(connection(extra=extra))
    with pytest.raises(ConfigurationError, match=r"'shop_ftps': its extra is no JSON .*column 2"):
        server_of(connection(extra="{tls: implicit}"))


@pytest.mark.parametrize(
    ("changes", "port"),
    [
        ({}, 21),
        ({"extra": '{"tls": "implicit"}'}, 990),
        ({"port": 2121, "extra": '{"tls": "implicit"}'}, 2121),
        ({"extra": "null"}, 21),
    ],
)
def test_the_port_follows_the_mode_where_none_is_given(changes: dict[str, Any], port: int) -> None:
    assert server_of(connection(**changes)).port == port


@pytest.mark.parametrize("host", ["", None])
def test_a_connection_without_host_is_refused(host: str | None) -> None:
    with pytest.raises(ConfigurationError, match="'shop_ftps' names no host"):
        server_of(connection(host=host))


def test_passwords_never_show() -> None:
    server = server_of(connection(extra='{"key_password": "only-for-the-key"}'))
    assert server.password == PASSWORD
    assert PASSWORD not in f"{server!r}{server}{server.place}"
    assert "only-for-the-key" not in f"{server!r}{server.extras}"


def test_a_misspelt_extra_is_named_with_the_nearest() -> None:
    with pytest.raises(
        ConfigurationError, match=r"time_out: there is no such extra, did you mean 'timeout'\?"
    ):
        extras_of("shop_ftps", {"time_out": 5})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeout", 1e30),
        ("encoding", "base64"),
        ("encoding", "utf-16"),
        ("encoding", "utf-7"),
        ("min_rate", 0),
        ("min_rate", 10**30),
        ("ca_file", "a\0b"),
    ],
)
def test_what_would_fail_only_later_is_refused_by_its_name(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"extra {name}: "):
        extras_of("shop_ftps", {name: value})


@pytest.mark.parametrize("name", ["login", "password"])
def test_a_line_break_in_the_login_is_the_connections_error(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} holds a line break"):
        server_of(connection(**{name: "shop\r\nDELE x"}))
