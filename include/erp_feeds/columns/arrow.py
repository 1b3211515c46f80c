"""The shape of the frames between the steps, and the way between pandas and Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from erp_feeds.interfaces.spec import Field, FieldType, Interface

Column = Any
"""An Arrow array or chunked array; pyarrow ships no types."""

REJECTS = pa.schema(
    {
        "record": pa.int32(),
        "file": pa.int64(),
        "code": pa.string(),
        "field": pa.string(),
        "reason": pa.string(),
        "key": pa.string(),
    }
)
"""One row per error; key: as in the `records` frame, by which a newer file may bring the record again."""

_TYPES: Mapping[FieldType, Any] = {
    FieldType.TEXT: pa.string(),
    FieldType.IDENTIFIER: pa.string(),
    FieldType.EMAIL: pa.string(),
    FieldType.DATETIME: pa.string(),
    FieldType.DATE: pa.date32(),
    FieldType.YES_NO: pa.bool_(),
}


def type_of(field: Field) -> Any:
    """Return the Arrow type of a field's column."""
    return pa.decimal128(*field.digits) if field.type is FieldType.DECIMAL else _TYPES[field.type]


def records_schema(interface: Interface) -> Any:
    """Return the columns of the `records` frame, as parse leaves it."""
    fields = [(field.name, type_of(field)) for field in interface.fields]
    about = [("key", pa.string()), ("cleared", pa.string()), ("extras", pa.string())]
    return pa.schema([("record", pa.int32()), ("file", pa.int64()), *fields, *about])


def lines_schema(fields: Sequence[Field]) -> Any:
    """Return the columns of the `lines` frame."""
    return pa.schema(
        [("record", pa.int32()), ("line_no", pa.int32()), *((field.name, type_of(field)) for field in fields)]
    )


def frame_of(table: Any) -> pd.DataFrame:
    """Return an Arrow table as a frame with Arrow-backed columns, without a copy.

    Not by the table's own `to_pandas`, which is the largest cost for small files.
    """
    columns = {
        name: pd.arrays.ArrowExtensionArray(column)
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows), copy=False)


def table_of(frame: pd.DataFrame) -> Any:
    """Return a frame as an Arrow table with one chunk a column and plain string columns."""
    return pa.table({name: _column_of(column) for name, column in frame.items()}).combine_chunks()


def _column_of(series: pd.Series) -> Column:
    values = series.array
    if not isinstance(values, pd.arrays.ArrowExtensionArray):
        return pa.array(series, from_pandas=True)
    column = values.__arrow_array__()
    return column.cast(pa.string()) if pa.types.is_large_string(column.type) else column


def array_of(column: Column) -> Any:
    """Return a column as one array: chunked ones are slower in every kernel."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def is_true(mask: Column) -> Any:
    """Return a mask without nulls: unknown is not true."""
    return pc.fill_null(mask, fill_value=False)


def is_one_of(column: Column, values: Iterable[str]) -> Any:
    """Return where a text column holds one of the values; null does not count."""
    return pc.is_in(column, value_set=pa.array(list(values), pa.string()))


def without(column: Column, mask: Column) -> Any:
    """Return the column with null where the mask is true."""
    return pc.if_else(mask, pa.scalar(None, column.type), column)


def text_bytes(column: Column) -> bytes:
    """Return all text of an array of strings, joined; for a slice, that of the whole array.

    Searching a byte in it costs 1 ns a value, where a kernel costs 25 and a regular expression 100.
    """
    buffer = column.buffers()[2]
    return bytes(buffer.to_pybytes()) if buffer else b""


def is_plain(text: bytes) -> bool:
    """Return whether text is of ASCII, without the control character that decoding may leave."""
    return text.isascii() and b"\x7f" not in text


def longest(column: Column) -> int:
    """Return the number of bytes of the longest text."""
    return int(pc.max(pc.binary_length(column), min_count=0).as_py() or 0)


def count_true(mask: Column) -> int:
    """Return how many rows a mask selects."""
    return int(pc.sum(mask, min_count=0).as_py())


def escaped_json(column: Column) -> Any:
    """Return text as it stands between the quotes of a JSON string.

    XML text with normalised white space holds no control character that JSON would want escaped.
    """
    return pc.replace_substring(pc.replace_substring(column, "\\", "\\\\"), '"', '\\"')


def names_where(masks: Mapping[str, Column], rows: int) -> Any:
    """Return the names whose mask is true, as ',cash_back,invoice_to,'; null in rows without any."""
    if not masks:
        return pa.nulls(rows, pa.string())
    names = [pc.if_else(mask, f"{name},", "") for name, mask in masks.items()]
    joined = pc.binary_join_element_wise(pa.scalar(","), *names, "")
    return without(joined, pc.equal(joined, ","))
