"""Which small files that name people load at once: those that have no person and no purchase in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import psycopg

from erp_feeds.batch import FeedFile
from erp_feeds.merchant import Merchant
from erp_feeds.records import KINDS
from erp_feeds.records.kind import LoadMethod
from erp_feeds.records.purchases import AFTER_ID
from erp_feeds.steps.groups import Frames, Waves, connected, wave_ends, wave_of
from erp_feeds.store.sql import statement
from erp_feeds.store.suppression import any_suppressed


@dataclass(frozen=True)
class PeopleWaves:
    """Divides files whose records name people into waves; the rows are as if the files loaded one by one.

    A file waits for an earlier one that names the same person: by number, by address, by the profile that
    these lead to, or through other records. A purchase whose buyer's profile is complete changes no profile,
    so nothing waits for it.
    """

    connection: psycopg.Connection
    """In the transaction of the load, under the merchant's lock."""
    merchant: Merchant
    files: Sequence[FeedFile]
    """Of one interface, in load order."""
    frames: Frames
    """Of all the files, with the file of each record."""

    def __iter__(self) -> Waves:
        """Yield the files of each wave, and their frames; a wave adds people, so the next is found after it.

        To find a wave, it reads twice as many files as the last wave held, so that most are read twice.
        """
        start, window = 0, len(self.files)
        alone = not self._may_share()
        while start < len(self.files):
            some = self.files[start : start + window]
            end = start + (1 if alone else self.ends(some)[0])
            yield self.files[start:end], wave_of(self.frames, self.files[start:end])
            start, window = end, 2 * (end - start)

    def number(self) -> int:
        """Return how many waves the files make, as far as known before the first one has loaded."""
        return len(self.ends(self.files)) if self._may_share() else len(self.files)

    def ends(self, files: Sequence[FeedFile]) -> list[int]:
        """Return where each wave of some files ends."""
        kind = KINDS[files[0].interface]
        frames = wave_of({name: self.frames[name] for name in kind.people}, files)
        people = pd.concat(frames.values(), ignore_index=True)
        places = pd.Index([file.file_id for file in files]).get_indexer(pd.Index(people["file"]))
        is_buyer = kind.rows.loading is LoadMethod.PURCHASES
        groups = [self._persons(people, is_buyer=is_buyer)]
        if is_buyer:
            bare = people["purchase_id"].str.replace(AFTER_ID, "", regex=True)
            groups.append(pd.factorize(bare)[0])
        return wave_ends(places, groups, len(files))

    def _may_share(self) -> bool:
        """Return whether no file was loaded before, none is late, and nobody is suppressed."""
        ids = [file.file_id for file in self.files]
        parts = {"file_ids": ids, "sequence": self.files[0].sequence, "interface": self.files[0].interface}
        found = self.connection.execute(statement("waves/all_new", merchant=self.merchant.name, **parts))
        ((are_new,),) = found
        return bool(are_new) and not any_suppressed(self.connection, self.merchant.name)

    def _persons(self, people: pd.DataFrame, *, is_buyer: bool) -> npt.NDArray[Any]:
        """Return the group of people that each record belongs to; -1 where it changes no profile."""
        profiles: dict[int, int] = {}
        number, of_number, complete = self._known("number", people["number"], profiles)
        email, of_email, _ = self._known("email", people["email"], profiles)
        size = len(of_number) + len(of_email)
        # nodes: unknown numbers, unknown addresses, profiles
        by_number = np.where(of_number < 0, np.arange(len(of_number)), size + of_number)
        by_email = np.where(of_email < 0, len(of_number) + np.arange(len(of_email)), size + of_email)
        left = np.append(by_number, -1)[number]
        right = np.append(by_email, -1)[email]
        left, right = np.where(left < 0, right, left), np.where(right < 0, left, right)
        if is_buyer:
            reads = np.append(complete, False)[number] | (number < 0) & (np.append(of_email, -1)[email] >= 0)
            left, right = np.where(reads, -1, left), np.where(reads, -1, right)
        some = left >= 0
        least = connected(left[some], right[some], size + len(profiles))
        return np.where(some, least[left], -1)

    def _known(
        self, what: str, values: pd.Series[str], profiles: dict[int, int]
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
        """Look up numbers or addresses.

        Returns:
            The place of each value among the distinct ones, -1 where it is missing; the place of the profile
            to which each of these leads, or -1; and whether that profile has number and address.
        """
        codes, distinct = pd.factorize(values)
        found = self.connection.execute(
            statement(f"waves/known_{what}"), {"merchant": self.merchant.name, "known": list(distinct)}
        ).fetchall()
        profile, complete = np.full(len(distinct), -1), np.zeros(len(distinct), dtype=bool)
        for place, profile_id, is_complete in found:
            profile[place - 1] = profiles.setdefault(profile_id, len(profiles))
            complete[place - 1] = is_complete
        return codes, profile, complete
