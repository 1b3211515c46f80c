"""Unit tests reach no network: a socket in one of them is a fault."""

from __future__ import annotations

import pytest
import pytest_socket


@pytest.fixture(autouse=True)
def _no_network() -> None:
    pytest_socket.disable_socket(allow_unix_socket=True)  # asyncio wakes itself over a Unix socket pair
