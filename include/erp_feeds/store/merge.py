"""The SQL of versioned rows: what becomes of each field of a row (the rule is in sql/load.sql)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import psycopg
from psycopg import sql

from erp_feeds.store.copy import analyze
from erp_feeds.store.sql import statement

ARGUMENTS = 40
"""Pairs in one jsonb_build_object: PostgreSQL takes at most 100 arguments."""


Parts = Mapping[str, sql.Composable]
"""The values for {sequence} and {file_id} in the SQL files: of the file that brings the values."""

OF_FILE: Parts = {"sequence": sql.SQL("new.sequence"), "file_id": sql.SQL("new.file_id")}
"""From the record, which holds them; see the table loading."""
OF_LOADING: Parts = {"sequence": sql.SQL("loading.sequence"), "file_id": sql.SQL("loading.file_id")}
"""From the table loading."""
OF_LOAD = ("sequence", "file_id", "moment")
"""Columns of the table loading that come with each record."""


@dataclass(frozen=True)
class VersionedField:
    """One field of a row: a column, or a key of the column `custom`."""

    name: str
    custom: bool = False
    clearable: bool = True
    """Whether an empty element may empty it; an e-mail never (rule: customers 9)."""

    def of(self, row: str) -> sql.Composed:
        """Return the value that a row has."""
        form = "{row}.custom->{key}" if self.custom else "{row}.{column}"
        return sql.SQL(form).format(row=sql.SQL(row), key=self.name, column=sql.Identifier(self.name))

    def cleared(self) -> sql.Composable:
        """Return the condition that the row `new` empties the field; NULL counts as false."""
        if not self.clearable:
            return sql.SQL("false")
        return sql.SQL("strpos(new.cleared, {}) > 0").format(f",{self.name},")

    def brought(self) -> sql.Composed:
        """Return the condition that the row `new` fills or empties the field."""
        return sql.SQL("({value} IS NOT NULL OR {cleared})").format(
            value=self.of("new"), cleared=self.cleared()
        )

    def not_newer(self, version: Parts) -> sql.Composed:
        """Return the condition that no newer file has brought what the row `old` holds."""
        return sql.SQL(
            "CASE WHEN {newer} THEN true"
            " WHEN old.field_versions ? {name} THEN ({sequence}, {file_id})"
            " >= ((old.field_versions->{name}->>0)::numeric, (old.field_versions->{name}->>1)::bigint)"
            " ELSE {old} IS NULL END"
        ).format(newer=_newer(version), name=self.name, old=self.of("old"), **version)


@dataclass(frozen=True)
class Target:
    """Versioned rows, and what is written over them."""

    table: str
    key: str
    """Column of the records."""
    fields: tuple[VersionedField, ...]
    """Each gets its value from the last record that fills or empties it."""
    records: str
    """A query with the key, `record`, the fields, `cleared`, `of_write`, and the columns of OF_LOAD."""
    keys: str
    """The table with the key of each record; empty where no two records have the same key."""
    key_column: str = ""
    """The name of the key in the table, where it differs."""
    of_write: tuple[str, ...] = ()
    """Columns with the same value in all records of a file. Like sequence, file and record they belong to
    the row's newest write, and not to one field."""


def merge(connection: psycopg.Connection, target: Target, merchant: str, records: int) -> None:
    """Write records over the versioned rows of a merchant's table; those of one key are all of one file.

    Each field gets its value from the last record of the key that fills or empties it. Rows that hold all of
    this already are not written: it is noted that the file confirms them.
    """
    values = {"merchant": merchant}
    matched, added, versioned = _statements(target)
    found = connection.execute(matched, values).rowcount
    same = 0
    if found:
        analyze(connection, "matched", found)
        ((same,),) = connection.execute(statement("confirmations/same"))
    if same:
        connection.execute(statement("confirmations/confirm", table_name=target.table, **values))
    if found > same:
        connection.execute(versioned, values)
    if found < records:
        connection.execute(added, values)


@lru_cache(maxsize=64)
def _statements(target: Target) -> tuple[bytes, bytes, bytes]:
    """Return the statements for a target: the same text for each file, so PostgreSQL reuses its plans."""
    values = {**_values(target.fields), **{name: _of_newest(name) for name in target.of_write}}
    parts = {
        "target": sql.Identifier(target.table),
        "merchant": sql.Placeholder("merchant"),
        "source": _merged_by_key(target),
        "key": sql.Identifier(target.key_column or target.key),
        "new_key": sql.Identifier(target.key),
        **OF_FILE,
    }
    old_fields, new_fields = (_list(_of(row, name) for name in values) for row in ("old", "new"))
    matched = statement(
        "confirmations/matched",
        old_fields=old_fields,
        new_fields=new_fields,
        emptied=_emptied(target.fields, sql.SQL("jsonb_build_array(old.sequence, old.file_id, old.record)")),
        **parts,
    )
    added = statement(
        "load/added",
        columns=_list(map(sql.Identifier, values)),
        new_values=new_fields,
        first_origins=_emptied(target.fields, _here()),
        **parts,
    )
    versioned = statement(
        "load/versioned",
        newer=_newer(OF_FILE),
        old_fields=old_fields,
        fields=_list(values.values()),
        assignments=_list(
            sql.SQL("{} = {}").format(sql.Identifier(name), value) for name, value in values.items()
        ),
        field_versions=_origins(target.fields),
        **parts,
    )
    return matched.as_bytes(), added.as_bytes(), versioned.as_bytes()


def _merged_by_key(target: Target) -> sql.Composed:
    """Return the query that merges the records of each key in file order, field by field."""
    if not target.keys:
        return sql.Composed([sql.SQL(target.records)])
    values: dict[str, sql.Composable] = {
        field.name: _last_brought(field) for field in target.fields if not field.custom
    }
    custom = [(field.name, _last_brought(field)) for field in target.fields if field.custom]
    if custom:
        values["custom"] = _json_object(custom)
    values |= {name: sql.SQL("max({})").format(sql.Identifier(name)) for name in (*target.of_write, *OF_LOAD)}
    return statement(
        "load/merged_by_key",
        records=sql.SQL(target.records),
        keys=sql.Identifier(target.keys),
        key=sql.Identifier(target.key),
        columns=_list(map(sql.Identifier, values)),
        last_values=_list(values.values()),
        emptied=_list(_emptied_last(field) for field in target.fields),
    )


def _last_brought(field: VersionedField) -> sql.Composed:
    """Return the aggregate over rows `new`: the value in the last record that fills or empties the field."""
    return sql.SQL("(array_agg({value} ORDER BY new.record DESC) FILTER (WHERE {brought}))[1]").format(
        value=field.of("new"), brought=field.brought()
    )


def _emptied_last(field: VersionedField) -> sql.Composed:
    """Return the aggregate that names the field where the last record that fills or empties it empties it."""
    return sql.SQL("CASE WHEN bool_or({cleared}) AND {last} IS NULL THEN {name} END").format(
        cleared=field.cleared(), last=_last_brought(field), name=field.name
    )


def _json_object(pairs: Iterable[tuple[str, sql.Composable]]) -> sql.Composed:
    """Return the JSON object of the pairs whose value is not NULL."""
    items = [sql.SQL("{}, {}").format(name, value) for name, value in pairs]
    if not items:
        return sql.SQL("'{{}}'::jsonb").format()
    chunks = (items[start : start + ARGUMENTS] for start in range(0, len(items), ARGUMENTS))
    objects = [sql.SQL("jsonb_build_object({})").format(_list(chunk)) for chunk in chunks]
    return sql.SQL("jsonb_strip_nulls({})").format(sql.SQL(" || ").join(objects))


def _newer(version: Parts) -> sql.Composed:
    """Return the condition that the row's newest write, and so each field's, is not newer than the file."""
    return sql.SQL("({sequence}, {file_id}) >= (old.sequence, old.file_id)").format(**version)


def _taken(field: VersionedField) -> sql.Composed:
    return sql.SQL("{brought} AND {not_newer}").format(
        brought=field.brought(), not_newer=field.not_newer(OF_FILE)
    )


def _values(fields: Sequence[VersionedField]) -> dict[str, sql.Composable]:
    """Return column -> what it becomes; the custom fields are one column together."""
    values: dict[str, sql.Composable] = {field.name: _value(field) for field in fields if not field.custom}
    custom = [(field.name, _value(field)) for field in fields if field.custom]
    return {**values, "custom": _json_object(custom)} if custom else values


def _of_newest(column: str) -> sql.Composed:
    return sql.SQL("CASE WHEN {newer} THEN {new} ELSE {old} END").format(
        newer=_newer(OF_FILE), new=_of("new", column), old=_of("old", column)
    )


def _value(field: VersionedField) -> sql.Composed:
    return sql.SQL("CASE WHEN {taken} THEN {new} ELSE {old} END").format(
        taken=_taken(field), new=field.of("new"), old=field.of("old")
    )


def _origins(fields: Sequence[VersionedField]) -> sql.Composed:
    """Return the new field_versions: where each field comes from that the newest write did not fill."""
    nothing_changes = sql.SQL(" AND ").join(
        sql.SQL("({new} IS NOT NULL OR {old} IS NULL)").format(new=field.of("new"), old=field.of("old"))
        for field in fields
    )
    return sql.SQL(
        "CASE WHEN {newer} AND new.cleared IS NULL AND old.field_versions = '{{}}' AND {nothing}"
        " THEN old.field_versions ELSE {all} END"
    ).format(
        newer=_newer(OF_FILE),
        nothing=nothing_changes,
        all=_json_object((field.name, _origin(field)) for field in fields),
    )


def _origin(field: VersionedField) -> sql.Composed:
    return sql.SQL(
        "CASE WHEN {taken} THEN CASE WHEN {newer} AND {new} IS NOT NULL THEN NULL ELSE {here} END"
        " WHEN old.field_versions ? {name} THEN old.field_versions->{name}"
        " WHEN {old} IS NOT NULL AND {newer}"
        " AND (old.sequence, old.file_id, old.record) <> ({sequence}, {file_id}, new.record)"
        " THEN jsonb_build_array(old.sequence, old.file_id, old.record) END"
    ).format(
        taken=_taken(field),
        newer=_newer(OF_FILE),
        new=field.of("new"),
        old=field.of("old"),
        here=_here(),
        name=field.name,
        **OF_FILE,
    )


def _emptied(fields: Sequence[VersionedField], place: sql.Composable) -> sql.Composed:
    """Return the field_versions of a row of one write: emptied fields, so that no older file fills them."""
    emptied = (
        (
            field.name,
            sql.SQL("CASE WHEN {value} IS NULL AND {cleared} THEN {place} END").format(
                value=field.of("new"), cleared=field.cleared(), place=place
            ),
        )
        for field in fields
    )
    return sql.SQL("CASE WHEN new.cleared IS NULL THEN '{{}}' ELSE {} END").format(_json_object(emptied))


def _here() -> sql.Composed:
    return sql.SQL("jsonb_build_array({sequence}, {file_id}, new.record)").format(**OF_FILE)


def _of(row: str, column: str) -> sql.Composed:
    return sql.SQL("{}.{}").format(sql.SQL(row), sql.Identifier(column))


def _list(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)
