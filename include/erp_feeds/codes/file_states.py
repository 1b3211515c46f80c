"""The states of a file, and how one follows another."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class FileState(StrEnum):
    """Where a file stands, from the first scan that found it; `files.state` takes these and no others."""

    UPLOADING = "uploading"
    """A scan found it, and no later one has found it unchanged for long enough yet."""
    REGISTERED = "registered"
    """It is complete, and waits for a run that fetches it."""
    ARCHIVED = "archived"
    """Its original bytes are archived, and a run is loading them; what was imported waits for a replay."""
    WAITING = "waiting"
    """It was incomplete, or the server did not hand it out: it is fetched again."""
    LOADED = "loaded"
    QUARANTINED = "quarantined"
    DUPLICATE = "duplicate"
    """The same bytes came under the same name before, so nothing was left to do."""
    MISSING = "missing"
    """It was gone from the server before it could be fetched."""
    REPLACED = "replaced"
    """Another file replaced it on the server before it could be fetched. A quarantined file after which
    another one of its name has loaded is shown so too; in the table it stays quarantined."""


TRANSITIONS: Mapping[FileState, Mapping[FileState, str]] = {
    FileState.UPLOADING: {FileState.REGISTERED: "unchanged for stable_for"},
    FileState.REGISTERED: {
        FileState.ARCHIVED: "fetched",
        FileState.DUPLICATE: "fetched, bytes known",
        FileState.WAITING: "not readable",
        FileState.QUARANTINED: "not readable too often, or too large",
        FileState.MISSING: "gone from the server",
        FileState.REPLACED: "another file lies there",
    },
    FileState.ARCHIVED: {
        FileState.LOADED: "its records are in the tables",
        FileState.WAITING: "incomplete",
        FileState.QUARANTINED: "incomplete too often, or bad input",
    },
    FileState.WAITING: {
        FileState.ARCHIVED: "fetched again",
        FileState.DUPLICATE: "fetched again, bytes known",
        FileState.QUARANTINED: "not readable too often, or gone while incomplete",
        FileState.MISSING: "gone, never fetched",
        FileState.REPLACED: "another file lies there",
    },
    FileState.LOADED: {FileState.QUARANTINED: "a replay found bad input"},
    FileState.QUARANTINED: {
        FileState.LOADED: "replayed after a fix, or approved",
        FileState.ARCHIVED: "fetched at last",
        FileState.DUPLICATE: "fetched at last, bytes known",
        FileState.WAITING: "not readable, more attempts allowed",
        FileState.MISSING: "gone, never fetched",
        FileState.REPLACED: "never fetched, another file lies there",
    },
    FileState.DUPLICATE: {},
    FileState.MISSING: {},
    FileState.REPLACED: {},
}
"""State -> each state that may follow, and why it does.

A file begins as uploading; if it changes or goes before it is registered, its row goes too. An imported one,
which no server held, begins as archived. What comes back
after it was missing or replaced is a new file with a row of its own."""
