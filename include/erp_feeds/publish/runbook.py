"""The runbook: one entry for each code, generated from `codes`, with an anchor that alerts link to."""

from __future__ import annotations

from collections.abc import Iterator

from erp_feeds.codes import Actor, Code, IncidentCode, QuarantineCode, RejectCode, SkipCode, WarningCode

HEAD = """\
# Runbook

What each code means, who must act and what to do. This page is generated from
`include/erp_feeds/codes/` by `python -m erp_feeds docs`; change the codes, not the page.

Nothing is lost, whatever the code: the original is archived before anything reads it. Look closer with
`python -m erp_feeds files MERCHANT` and `python -m erp_feeds rejects MERCHANT`. After the cause is
fixed, replay: `python -m erp_feeds replay MERCHANT --file NAME --dry-run` shows what would change, and
without `--dry-run` it loads.
"""

SECTIONS: tuple[tuple[type[Code], str, str], ...] = (
    (
        QuarantineCode,
        "Quarantined files",
        (
            "Nothing of the file was loaded; the other files of its run were. What it brought before a "
            "replay or backfill found it bad stays as it is. The run's `report` fails."
        ),
    ),
    (
        RejectCode,
        "Rejected records",
        (
            "The record was not loaded; the others of its file were. It stays open until a load resolves "
            "it: a replay, a newer revision of the file, or a newer file with the same record."
        ),
    ),
    (
        IncidentCode,
        "Feeds, inboxes and tasks",
        "Open, and red in the DAG `erp_feeds_health`, until it is resolved or dismissed.",
    ),
    (
        SkipCode,
        "Skipped records",
        "The rules leave these records out. They are counted, and nobody is alerted.",
    ),
    (
        WarningCode,
        "Warnings",
        "The record or file was loaded. Warnings are counted per file, and nobody is alerted.",
    ),
)

LETTER = "Your file `NAME` ({what}, code `{code}`): {meaning} Please send it again once this is corrected."


def markdown() -> str:
    """Return the whole page docs/runbook.md."""
    return HEAD + "".join("\n" + "\n".join(_section(*each)) + "\n" for each in SECTIONS)


def _section(codes: type[Code], title: str, consequence: str) -> Iterator[str]:
    yield f"## {title}\n\n{consequence}"
    for code in codes:
        yield f"\n### {code.value}\n"
        yield f"{code.meaning}\n"
        yield f"- Who acts: {code.actor.value}.\n- What to do: {code.action}"
        if text := letter(codes, code):
            yield f"\nWrite to the sender:\n\n> {text}"


def letter(codes: type[Code], code: Code) -> str:
    """Return what to write to the ERP party, where it must act."""
    words = {QuarantineCode: "not loaded", RejectCode: "record NUMBER not loaded"}
    if code.actor is not Actor.SENDER or codes not in words:
        return ""
    return LETTER.format(what=words[codes], code=code.value, meaning=code.meaning)
