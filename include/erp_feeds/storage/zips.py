"""Opening an original: sniffed by content, guarded against hostile zips, members in name order."""

from __future__ import annotations

import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from typing import IO, BinaryIO, cast

from erp_feeds.batch import Counts
from erp_feeds.codes import QuarantineCode, WarningCode
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces import INTERFACES
from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import Limits, Merchant
from erp_feeds.storage.member_names import base_of, label_of
from erp_feeds.storage.metered_member import HEAD, ZIP_STARTS, Meter, MeteredMember, zip_errors
from erp_feeds.storage.zip_directory import directory_of, ends_with_zip

BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
IGNORED_NAMES = ("thumbs.db", "desktop.ini", ".ds_store")
IGNORED_FOLDER = "__macosx"
NESTED_ENDINGS = (".zip", ".gz", ".7z", ".rar", ".tar")
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED_BIT = 0x1
ENTRY_SIZE = 2_000
"""Bytes of the directory that a member may take: its name and extras are short in any regular zip."""


class Members:
    """The XML of one original, which is either a zip or bare XML. Use `members`."""

    def __init__(  # noqa: PLR0917 - only `members` calls it
        self,
        original: BinaryIO,
        file_name: str,
        interface: Interface,
        merchant: Merchant,
        counts: Counts,
        room: int | None,
    ) -> None:
        self.counts = counts
        """Only warnings, complete when `sources` is through: records are counted by who reads them."""
        self._original = original
        self._file_name = file_name
        self._interface = interface
        self._merchant = merchant
        self._room = room

    def sources(self) -> Iterator[BinaryIO]:
        """Yield the XML members in name order, each with its `name`; read one before asking for the next.

        Reading checks the limits and each member's checksum on the real bytes.

        Raises:
            QuarantineError: The file must not or cannot be read; also raised by the members' `read`.
        """
        if _starts_with_zip(self._original):
            yield from self._unzipped()
        else:
            size = _size(self._original)
            self._check_room(size)
            self._original.seek(0)
            meter = Meter(size, self._merchant.limits)
            yield _guarded(self._original, self._file_name, "the file", meter)

    def _unzipped(self) -> Iterator[BinaryIO]:
        meter = Meter(_size(self._original), self._merchant.limits)
        with zip_errors():
            if _check_directory(self._original, self._merchant.limits):
                self._warn(WarningCode.TRAILING_BYTES, 1)
        with zip_errors(), zipfile.ZipFile(self._original) as archive:
            infos = archive.infolist()
            _check_start(archive)
            _check_names(infos, self._merchant.limits)
            chosen = _chosen(infos, self._interface, self._merchant)
            if ignored := len(_xml_members(infos)) - len(chosen):
                self._warn(WarningCode.IGNORED_MEMBER, ignored)
            self._check_room(sum(info.file_size for info in chosen))
            for info in chosen:
                with archive.open(info) as raw:
                    yield _guarded(raw, info.filename, label_of(info, infos), meter)

    def _check_room(self, declared: int) -> None:
        """Quarantine before a byte is written what does not fit; a lying size counts up to the limits."""
        limits = self._merchant.limits
        needed = min(declared, limits.unzipped_bytes, _size(self._original) * limits.ratio)
        if self._room is not None and needed > self._room:
            reason = f"needs {needed} bytes of staging, where {self._room} are free"
            raise QuarantineError(QuarantineCode.NO_SPACE, reason)

    def _warn(self, code: WarningCode, number: int) -> None:
        self.counts = self.counts.plus(Counts(warnings={code.value: number}))


def members(
    original: BinaryIO, file_name: str, interface: Interface, merchant: Merchant, room: int | None = None
) -> Members:
    """Look at the first bytes of an original and open it as what it is.

    Args:
        original: Seekable bytes of the file.
        file_name: As delivered; an extension that says something else is only a warning.
        interface: Whose members are wanted.
        merchant: Whose shop name and limits count.
        room: Bytes that the members may take where they are unzipped to; None: no limit is known.

    Raises:
        QuarantineError: truncated (worth another fetch), bytes_before_zip or not_a_zip.
    """
    is_zip = _starts_with_zip(original)
    if not is_zip:
        _check_bare_xml(original)
    says_zip = file_name.lower().endswith(".zip")
    warnings = {} if is_zip == says_zip else {WarningCode.WRONG_EXTENSION.value: 1}
    return Members(original, file_name, interface, merchant, Counts(warnings=warnings), room)


def _guarded(source: IO[bytes], name: str, called: str, meter: Meter) -> BinaryIO:
    guarded = MeteredMember(source, name, meter)
    guarded.check_not_nested(called)
    return cast("BinaryIO", guarded)


def _starts_with_zip(original: BinaryIO) -> bool:
    original.seek(0)
    head = original.read(4)
    original.seek(0)
    return head.startswith(ZIP_STARTS)


def _size(original: BinaryIO) -> int:
    return original.seek(0, os.SEEK_END)


def _check_bare_xml(original: BinaryIO) -> None:
    """Quarantine what is no XML, and a document that stops in the middle."""
    size = _size(original)
    original.seek(0)
    head = original.read(HEAD)
    if not head.strip(b"\0") or (size < len(ZIP_STARTS[0]) and ZIP_STARTS[0].startswith(head)):
        what = f"holds {size} bytes without content" if size else "is empty"
        raise QuarantineError(QuarantineCode.TRUNCATED, f"{what}: the upload was not finished")
    if ends_with_zip(original):
        raise QuarantineError(QuarantineCode.BYTES_BEFORE_ZIP, "is a zip with other bytes before it")
    for mark in BYTE_ORDER_MARKS:
        head = head.removeprefix(mark)
    if not head.replace(b"\0", b"").lstrip().startswith(b"<"):
        raise QuarantineError(QuarantineCode.NOT_A_ZIP, "is neither a zip nor XML")
    original.seek(max(0, size - HEAD))
    tail = original.read(HEAD).replace(b"\0", b"").rstrip()
    if tail and not tail.endswith(b">"):
        raise QuarantineError(
            QuarantineCode.TRUNCATED, "the XML stops in the middle: the upload was not finished"
        )


def _check_directory(original: BinaryIO, limits: Limits) -> bool:
    """Quarantine a zip of too many members; return whether bytes follow it."""
    found = directory_of(original)
    if found and (found.entries > limits.members or found.size > limits.members * ENTRY_SIZE):
        reason = f"says it holds {found.entries} members, above {limits.members}; see limits.members"
        raise QuarantineError(QuarantineCode.TOO_MANY_MEMBERS, reason)
    if found and found.behind.startswith(ZIP_STARTS):
        raise QuarantineError(QuarantineCode.TWO_ZIPS, "holds another zip behind the first")
    return bool(found and found.behind)


def _check_start(archive: zipfile.ZipFile) -> None:
    """Quarantine a zip that begins later than its file, which begins like one: two zips in a file."""
    if min((info.header_offset for info in archive.infolist()), default=archive.start_dir) > 0:
        raise QuarantineError(QuarantineCode.TWO_ZIPS, "holds another zip, or a part of one, before the last")


def _check_names(infos: list[zipfile.ZipInfo], limits: Limits) -> None:
    """Quarantine what no regular export contains, before a byte is unzipped."""
    if len(infos) > limits.members:
        reason = f"holds {len(infos)} members, more than {limits.members}; see limits.members"
        raise QuarantineError(QuarantineCode.TOO_MANY_MEMBERS, reason)
    for info in infos:
        name = info.orig_filename.replace("\\", "/")
        if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in name.split("/") or "\0" in name:
            reason = f"{label_of(info, infos)} points out of the zip"
            raise QuarantineError(QuarantineCode.UNSAFE_PATH, reason)
        if info.flag_bits & ENCRYPTED_BIT:
            raise QuarantineError(QuarantineCode.ENCRYPTED, f"{label_of(info, infos)} is encrypted")
        if info.compress_type not in METHODS:
            packed = f"is packed by method {info.compress_type}: only deflate can be unzipped"
            raise QuarantineError(QuarantineCode.NOT_A_ZIP, f"{label_of(info, infos)} {packed}")
    times = Counter(info.orig_filename.replace("\\", "/") for info in infos)
    for info in infos:
        if (number := times[info.orig_filename.replace("\\", "/")]) > 1:
            reason = f"{label_of(info, infos)} is there {number} times"
            raise QuarantineError(QuarantineCode.DUPLICATE_MEMBER, reason)


def _chosen(infos: list[zipfile.ZipInfo], interface: Interface, merchant: Merchant) -> list[zipfile.ZipInfo]:
    """Return the XML members of the interface in name order; a lone XML member may have any name."""
    files = [info for info in infos if not _is_ignored(info)]
    for info in files:
        if _base(info).lower().endswith(NESTED_ENDINGS):
            reason = f"{label_of(info, infos)} is itself an archive"
            raise QuarantineError(QuarantineCode.NESTED_ZIP, reason)
    xml = _xml_members(infos)
    for info in xml:
        _check_shop(info, infos, merchant)
    matching = [info for info in xml if interface.match(_base(info))]
    lone = xml if len(xml) == 1 and not any(each.match(_base(xml[0])) for each in INTERFACES.values()) else []
    if not (matching or lone):
        found = ", ".join([label_of(info, infos) for info in files][:5]) or "nothing"
        example = interface.file_name(merchant.shop_name, "<index>", "xml")
        raise QuarantineError(
            QuarantineCode.NO_MEMBER, f"contains no XML such as {example}; it contains {found}"
        )
    return sorted(matching or lone, key=lambda info: info.filename)


def _xml_members(infos: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    return [info for info in infos if not _is_ignored(info) and _base(info).lower().endswith(".xml")]


def _check_shop(info: zipfile.ZipInfo, infos: list[zipfile.ZipInfo], merchant: Merchant) -> None:
    """Quarantine a member of another shop: its data must not end in this merchant's rows."""
    for interface in INTERFACES.values():
        found = interface.match(_base(info))
        if found and found.shop_name != merchant.shop_name:
            reason = (
                f"{label_of(info, infos)} is of another shop, not of '{merchant.shop_name}' letter for letter"
            )
            raise QuarantineError(QuarantineCode.FOREIGN_MEMBER, reason)


def _is_ignored(info: zipfile.ZipInfo) -> bool:
    parts = info.filename.lower().replace("\\", "/").split("/")
    is_folder = info.filename.endswith("/")  # `is_dir` fails on a member without a name
    return is_folder or parts[-1] in IGNORED_NAMES or parts[-1].startswith("._") or IGNORED_FOLDER in parts


def _base(info: zipfile.ZipInfo) -> str:
    return base_of(info.filename)
