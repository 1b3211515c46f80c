"""Hostile files for the fuzz run: sample exports of every interface, broken with knowledge of XML and zips.

One number makes one file, the same on every machine, so that a failure is replayed by its number alone.
"""

from __future__ import annotations

import random
from functools import cache
from typing import NamedTuple

from erp_feeds.interfaces import INTERFACES
from erp_feeds.publish.samples import sample, versions_of
from hostile_xml import XML_WAYS, bomb
from hostile_zips import SHOP, ZIP_WAYS, zipped

RECORDS = 4
"""In a sample: enough for lines, returns and rejects beside good records, few enough for many inputs."""


class Input(NamedTuple):
    """One file as an ERP party, a bad disk or an attacker might deliver it."""

    interface: str
    name: str
    data: bytes


@cache
def _sample(interface: str, version: str) -> bytes:
    return "".join(sample(INTERFACES[interface], RECORDS, version)).encode()


def mutated(number: int) -> Input:
    """Make the hostile file of a number; some stay whole, so that good ones pass too."""
    chance = random.Random(number)
    interface = INTERFACES[chance.choice(sorted(INTERFACES))]
    data = _sample(interface.name, chance.choice(versions_of(interface)))
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        data = chance.choice(XML_WAYS)(chance, data)
    if chance.random() < 0.003:
        data = bomb(chance, interface)
    ending = "xml"
    if chance.random() < 0.5:
        ending = "zip"
        data = zipped(chance, interface, data)
        for _ in range(chance.choice((0, 0, 1, 1, 2))):
            data = chance.choice(ZIP_WAYS)(chance, data)
    if chance.random() < 0.02:
        ending = chance.choice(("xml", "zip", "ZIP"))
    return Input(interface.name, interface.file_name(SHOP, str(number), ending), data)
