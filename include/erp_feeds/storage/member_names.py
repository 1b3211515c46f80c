"""How messages name the members of a zip: any name that is not of an export may be that of a person.

Reasons of a quarantine appear in logs, alerts and the ledger. So only a name that is formed like that of an
export is shown, whose shop and kind somebody must know to act. Any other member is shown by its position, as
`unzip -l` lists it.
"""

from __future__ import annotations

import re
import zipfile

from erp_feeds.interfaces import INTERFACES

_SYSTEMS = "|".join(sorted({interface.token.partition("_")[0] for interface in INTERFACES.values()}))
_EXPORT = re.compile(
    rf"[\w-]{{1,60}}_(?:{_SYSTEMS})_[A-Za-z]{{1,40}}_[0-9]{{1,30}}\.[A-Za-z]{{3}}", re.IGNORECASE
)
_ENDINGS = (".xml", ".zip", ".gz", ".7z", ".rar", ".tar", ".csv", ".json", ".pdf", ".txt", ".xls", ".xlsx")


def base_of(name: str) -> str:
    """Return a member's name without its folders."""
    return name.replace("\\", "/").rpartition("/")[2]


def label_of(info: zipfile.ZipInfo, infos: list[zipfile.ZipInfo]) -> str:
    """Return what stands for a member in a sentence: its name, or its place among the members, from 1."""
    base = base_of(info.orig_filename)
    if _EXPORT.fullmatch(base):
        return f"member '{base}'"
    ending = next((each for each in _ENDINGS if base.lower().endswith(each)), "")
    return f"member {infos.index(info) + 1}" + (f" ({ending})" if ending else "")
