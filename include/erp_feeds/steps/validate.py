"""Turns a block of text into typed frames, and rejects the records that break a rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from erp_feeds.batch import Counts
from erp_feeds.codes import RejectCode, WarningCode
from erp_feeds.columns.arrow import (
    REJECTS,
    Column,
    count_true,
    frame_of,
    is_one_of,
    is_true,
    lines_schema,
    names_where,
    records_schema,
    table_of,
    without,
)
from erp_feeds.columns.convert import FieldError, matched_emails, missing_field, read_values
from erp_feeds.columns.text_damage import damage_of
from erp_feeds.interfaces.spec import EXTRA, Field, FieldType, Interface
from erp_feeds.merchant import Merchant
from erp_feeds.records import KINDS
from erp_feeds.steps.purchases import total_errors
from erp_feeds.steps.result import ByFile, StepResult, merged, tally, warned
from erp_feeds.xml.rows import LINES, Block, Lines, Part, Rows


@dataclass
class _Findings:
    """Values of some rows, and what was found on the way."""

    columns: dict[str, Column] = field(default_factory=dict)
    delivered: dict[str, Column] = field(default_factory=dict)
    """Texts as delivered; null where a field is missing, empty or a placeholder."""
    cleared: dict[str, Column] = field(default_factory=dict)
    """Where an element is there and empty; only of columns in which that occurs."""
    errors: list[FieldError] = field(default_factory=list)
    odd: list[tuple[str, Column]] = field(default_factory=list)
    """Key of the warning in the counts, and where."""


def validate(block: Block, interface: Interface, merchant: Merchant) -> StepResult:
    """Read a block's values and leave out the records that break a rule.

    Args:
        block: Records as text.
        interface: What the records should look like.
        merchant: Whose placeholders count as absent.

    Returns:
        Frames `records`, `lines` where the interface has them, and `rejects`; counts of this block. A record
        may have several rejects but is counted once, under its first code.
    """
    kind = KINDS[interface.name]
    found = _read(block.records, interface.fields, merchant, kind.lenient)
    found.errors[:0] = [_too_many_fields(block.records, merchant), *_repeated(block)]
    found.errors += _lines_beside_nil(block.records)
    for rule in kind.across_fields:
        found.errors += rule(found.columns, found.delivered, found.cleared)
    errors = [error for error in found.errors if count_true(error.mask)]  # mostly none
    numbers = block.numbers
    keys = kind.key(found.columns)
    files = block.files
    rejects = [_rejects(error, numbers, files, keys) for error in errors]
    frames: dict[str, pd.DataFrame] = {}
    bad_lines: list[Column] = []
    if interface.lines and block.lines:
        lines = _lines(block.lines, interface.lines.fields, merchant)
        by_line = pc.take(numbers, block.lines.record)
        files_by_line, keys_by_line = (pc.take(column, block.lines.record) for column in (files, keys))
        rejects += [_rejects(error, by_line, files_by_line, keys_by_line) for error in lines.errors]
        bad_lines = [pc.filter(by_line, error.mask) for error in lines.errors]
    nobody = pc.is_null(numbers)
    by_field = reduce(pc.or_, (error.mask for error in errors), nobody)
    rejected = reduce(pc.or_, (pc.is_in(numbers, value_set=bad) for bad in bad_lines), by_field)
    good = pc.invert(rejected)
    records = _record_table(block, found, files, keys, interface)
    frames["records"] = frame_of(records.filter(good) if rejects else records)
    if interface.lines and block.lines:
        table = pa.table(
            [by_line, block.lines.line_no, *lines.columns.values()],
            schema=lines_schema(interface.lines.fields),
        )
        frames["lines"] = frame_of(table.filter(pc.take(good, block.lines.record)) if rejects else table)
    frames["rejects"] = _ordered(rejects)
    return StepResult(frames, _counts(block, found, good, frames["rejects"]))


def empty_frames(interface: Interface) -> dict[str, pd.DataFrame]:
    """Return the frames of a file without records."""
    frames = {
        "records": frame_of(records_schema(interface).empty_table()),
        "rejects": frame_of(REJECTS.empty_table()),
    }
    if interface.lines:
        frames["lines"] = frame_of(lines_schema(interface.lines.fields).empty_table())
    return frames


def _read(
    rows: Rows, fields: Sequence[Field], merchant: Merchant, lenient: frozenset[FieldType] = frozenset()
) -> _Findings:
    """Read every field of the records; invalid values of lenient types are left out (rule: customers 11)."""
    found = _Findings()
    for spec in fields:
        text = rows.text[spec.name]
        empty = is_true(pc.equal(text, ""))
        if count_true(empty):
            found.cleared[spec.name] = empty
            text = without(text, empty)
        found.delivered[spec.name] = text = _without_placeholders(spec, text, merchant)
        if spec.required:
            empties = found.cleared.get(spec.name)
            found.errors.append(
                missing_field(text.is_null(), spec.name, empties, f"{spec.element} is required")
            )
        if spec.name in rows.has_children:
            found.errors.append(_has_children(spec, rows))
        reading = read_values(spec, text)
        unknown = WarningCode.UNKNOWN_VALUE.of_field(spec.name.removeprefix(EXTRA))
        found.columns[spec.name] = reading.values
        if spec.type is FieldType.EMAIL:
            _check_email(found, reading.errors, rows, merchant)
        elif spec.type in lenient:
            found.odd += [(unknown, error.mask) for error in reading.errors]
        else:
            found.errors += reading.errors
        if reading.unknown is not None:
            found.odd.append((unknown, reading.unknown))
    return found


NO_ORDER = ("0", "000", "-1")
"""What a till writes where a receipt has no order number: else all of them would be one order."""


def _without_placeholders(spec: Field, text: Column, merchant: Merchant) -> Column:
    """Take what means no customer, or no order, for absent (rules: customers 7, purchases 1)."""
    if spec.name == "order_number":
        return without(text, is_one_of(text, NO_ORDER))
    if spec.name == "customer_number":
        return without(text, is_one_of(text, merchant.excluded_identifiers))
    if spec.type is FieldType.EMAIL and merchant.excluded_emails:
        return without(text, is_one_of(matched_emails(text), merchant.excluded_emails))
    return text


def _check_email(found: _Findings, errors: list[FieldError], rows: Rows, merchant: Merchant) -> None:
    """Drop an invalid address of a record with a number, reject the one without (rule: customers 7)."""
    number = rows.text.get("customer_number")
    for error in errors:
        if number is None:
            found.errors.append(error)
            continue
        absent = pc.or_(is_true(pc.equal(number, "")), is_one_of(number, merchant.excluded_identifiers))
        numbered = pc.and_(number.is_valid(), pc.invert(absent))
        found.errors.append(replace(error, mask=pc.and_(error.mask, pc.invert(numbered))))
        found.odd.append((WarningCode.INVALID_EMAIL_DROPPED, pc.and_(error.mask, numbered)))


def _has_children(spec: Field, rows: Rows) -> FieldError:
    """Reject a field that holds elements: joined, the texts of an id and of its kind would be another id."""
    reason = f"{spec.element} contains elements, or content beside xsi:nil; text is expected"
    return FieldError(rows.has_children[spec.name], RejectCode.INVALID_VALUE, spec.name, reason)


def _lines_beside_nil(rows: Rows) -> list[FieldError]:
    """Reject a record whose lines are said to be nil, and are there (rule: files 9)."""
    mask = rows.has_children.get(LINES)
    reason = "lines stand beside xsi:nil"
    return [] if mask is None else [FieldError(mask, RejectCode.INVALID_VALUE, LINES, reason)]


def _too_many_fields(rows: Rows, merchant: Merchant) -> FieldError:
    reason = f"holds more than {merchant.limits.fields} elements; see limits.fields"
    return FieldError(rows.too_many, RejectCode.TOO_MANY_FIELDS, "", reason)


def _repeated(block: Block) -> list[FieldError]:
    """Reject records in which a field occurs twice: which one counts would be a guess."""
    reason = "occurs more than once in the record"
    errors = []
    for column in sorted(set(block.repeated_columns.values())):
        positions = [row for row, name in block.repeated_columns.items() if name == column]
        mask = pc.is_in(
            pa.array(range(len(block.records)), pa.int32()), value_set=pa.array(positions, pa.int32())
        )
        errors.append(FieldError(mask, RejectCode.REPEATED_FIELD, column, reason))
    return errors


def _lines(lines: Lines, fields: Sequence[Field], merchant: Merchant) -> _Findings:
    """Read the lines; a bad one rejects its whole record, under the field name `lines.<column>`."""
    found = _read(lines.rows, fields, merchant)
    repeated = FieldError(
        lines.rows.repeated, RejectCode.REPEATED_FIELD, "", "an element occurs more than once"
    )
    too_many = _too_many_fields(lines.rows, merchant)
    errors = [too_many, repeated, *found.errors, *total_errors(lines.record, found.columns)]
    found.errors = []
    for error in errors:
        if count_true(error.mask):
            which = pc.cast(lines.line_no, pa.string())
            reason = pc.binary_join_element_wise("line ", which, ": ", error.reason, "")
            name = f"lines.{error.field}" if error.field else "lines"
            found.errors.append(replace(error, field=name, reason=reason))
    return found


def _record_table(
    block: Block, found: _Findings, files: Column, keys: Column, interface: Interface
) -> pa.Table:
    columns = [
        block.numbers,
        files,
        *found.columns.values(),
        keys,
        names_where(found.cleared, len(block.records)),
        block.records.extras,
    ]
    return pa.table(columns, schema=records_schema(interface))


def _rejects(error: FieldError, numbers: Column, files: Column, keys: Column) -> pa.Table:
    """Return the rejected records of one error; line and raw text are found in a second pass, by the load."""
    records = pc.filter(numbers, error.mask)
    size = len(records)
    reason = error.reason if isinstance(error.reason, str) else pc.filter(error.reason, error.mask)
    reasons = pa.array([reason] * size, pa.string()) if isinstance(reason, str) else reason
    code, name = pa.array([str(error.code)] * size, pa.string()), pa.array([error.field] * size, pa.string())
    of_file, key = (pc.filter(column, error.mask) for column in (files, keys))
    return pa.table([records, of_file, code, name, reasons, key], schema=REJECTS)


def _ordered(rejects: list[pa.Table]) -> pd.DataFrame:
    """Return all rejects by record, one row for each record, code and field."""
    some = [table for table in rejects if len(table)]
    if not some:
        return frame_of(REJECTS.empty_table())
    frame = frame_of(pa.concat_tables(some).combine_chunks())
    frame = frame.drop_duplicates(["record", "code", "field"]).sort_values(
        "record", kind="stable", ignore_index=True
    )
    return frame_of(table_of(frame).cast(REJECTS))


def _counts(block: Block, found: _Findings, good: Column, rejects: pd.DataFrame) -> ByFile:
    """Tally a block by file; what was odd counts only in records that go on."""
    files = block.files
    everywhere = np.ones(len(files), dtype=bool)
    first = rejects.drop_duplicates("record") if len(rejects) else rejects
    parts = [
        tally(files, everywhere, lambda number: Counts(read=number)),
        *({part.file: _unknown(part)} for part in block.parts if part.unknown),
        *(warned(code, files, pc.and_(mask, good)) for code, mask in found.odd),
        *(_rejected(code, first) for code in first["code"].unique()),
    ]
    parts += _damaged(block.records, good, files)
    if block.lines:
        record = block.lines.record
        parts += _damaged(block.lines.rows, pc.take(good, record), pc.take(files, record))
    return merged(*parts)


def _rejected(code: str, rejects: pd.DataFrame) -> ByFile:
    return tally(
        rejects["file"], rejects["code"] == code, lambda number: Counts(rejected={str(code): number})
    )


def _unknown(part: Part) -> Counts:
    return Counts(warnings={WarningCode.UNKNOWN_ELEMENT.value: part.unknown.total()})


def _damaged(rows: Rows, good: Column, files: Column) -> list[ByFile]:
    """Count the values that a conversion has damaged; they load, since the rest of their record is sound."""
    found: list[ByFile] = []
    if rows.is_ascii:
        return found
    for text in [*rows.text.values(), rows.extras]:
        if damage := damage_of(text):
            found.append(warned(WarningCode.MOJIBAKE, files, pc.and_(damage.mojibake, good)))
            found.append(warned(WarningCode.DAMAGED_TEXT, files, pc.and_(damage.lost, good)))
    return found
