"""Ports stay the same from start to start as long as they are free."""

from __future__ import annotations

from pathlib import Path

import pytest

from erp_feeds.demo import ports
from erp_feeds.errors import FailError


def test_the_usual_ports_where_all_are_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: True)
    assert ports.choose(tmp_path / "ports.json") == ports.Ports()


def test_the_next_port_where_one_is_taken_and_the_same_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: port != 8080)
    chosen = ports.choose(tmp_path / "ports.json")
    assert chosen.ui == 8081
    assert not (tmp_path / "ports.json").exists()  # nothing is written of a port that no server holds
    ports.keep(tmp_path / "ports.json", chosen)
    monkeypatch.setattr(ports, "is_free", lambda port: True)
    assert ports.choose(tmp_path / "ports.json").ui == 8081


def test_two_servers_never_get_one_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: port not in (2525,))
    chosen = ports.choose(tmp_path / "ports.json")
    assert len(set(chosen.model_dump().values())) == len(chosen.model_dump())


def test_no_port_at_all_is_said_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: False)
    with pytest.raises(FailError, match="no port is free from 8080"):
        ports.choose(tmp_path / "ports.json")
