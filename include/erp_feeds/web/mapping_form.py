"""The form of a mapping: a row for each target, the sources that may fill it, and what was filled in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.datastructures import FormData

from erp_feeds.interfaces.mapping import target_of
from erp_feeds.interfaces.spec import Field, Interface, Link, Target
from erp_feeds.interfaces.targets import CUSTOM, TRANSFORMS
from erp_feeds.merchant import FieldSettings, SettingError
from erp_feeds.operations.source_samples import Samples

Fields = Mapping[str, Any]
"""What a `FieldSettings` describes, as JSON: also one that has errors."""


@dataclass(frozen=True)
class Row:
    """One field of Activate, and what fills it."""

    target: str
    description: str
    sources: tuple[str, ...]
    transform: str
    """Of the target; of a custom field the one that is chosen."""
    date_form: str
    empty: str
    """keep or clear."""
    origin: str
    """default, changed, custom, fixed, not filled; new: the empty row of a new custom field."""
    default: tuple[str, ...]
    """Sources by default."""
    fixed: str
    """Why it cannot be changed."""
    is_of_line: bool
    errors: tuple[str, ...] = ()

    @property
    def is_custom(self) -> bool:
        """Whether it is a custom field, which may choose its transform."""
        return self.target.startswith(CUSTOM)

    @property
    def is_date(self) -> bool:
        """Whether it may say how the ERP writes a date."""
        return self.is_custom or self.transform == "date"


@dataclass(frozen=True)
class Source:
    """A column of the interface, or another element of the file, that may fill a field."""

    name: str
    element: str
    """What this ERP calls it."""
    description: str
    carried: int | None
    """In how many records or lines of the latest file it was; None: there is no file yet."""
    sample: str
    """A value of it, which is personal data."""
    is_of_line: bool = False
    is_new: bool = False
    """Whether files carry it and the interface does not know it: using it makes it an extra element."""


@dataclass(frozen=True)
class Element:
    """A column of the interface, and the name of its element."""

    column: str
    default: str
    said: str
    """Where this ERP calls it otherwise."""
    error: str
    is_of_line: bool = False


@dataclass(frozen=True)
class Suggestions:
    """Names for elements: first what files carry and nothing reads, then those of the interface."""

    of_records: list[str]
    of_lines: list[str]


def rows(interface: Interface, fields: Fields, errors: Iterable[SettingError]) -> list[Row]:
    """Return a row for each target, the custom fields after them; errors begin below the interface."""
    found = {(place[1], text) for place, text in errors if place[:1] == ("mapping",) and len(place) > 1}
    mapping: Mapping[str, Any] = fields.get("mapping") or {}
    defaults = {link.target: link for link in interface.links}
    known = [target.name for target in interface.targets]
    names = dict.fromkeys([*known, *sorted({*defaults, *mapping} - {*known})])
    made = [_row(interface, name, mapping, defaults.get(name)) for name in names]
    return [
        replace(row, errors=tuple(sorted(text for name, text in found if name == row.target))) for row in made
    ]


def _row(interface: Interface, name: str, mapping: Mapping[str, Any], default: Link | None) -> Row:
    target = target_of(interface, name) or Target(name, "Not a field")
    by_default = default.sources if default else ()
    said = mapping.get(name)
    is_said = name in mapping
    sources = (*said.get("join", ()), *filter(None, [said.get("from")])) if said else ()
    origin = "custom" if name.startswith(CUSTOM) and not default else "changed"
    if not is_said:
        origin = "fixed" if target.fixed else "default" if default else "not filled"
    chosen = (said.get("transform") if said else default.transform if default and not is_said else "") or ""
    return Row(
        target=name,
        description=target.description,
        sources=tuple(sources) if is_said else by_default,
        transform=target.transform or chosen,
        date_form=(said or {}).get("date_form") or "",
        empty=(said or {}).get("empty") or "keep",
        origin=origin,
        default=by_default,
        fixed=target.fixed,
        is_of_line=target.of_line,
    )


def sources(
    interface: Interface, delivered: Interface, fields: Fields, samples: Samples | None
) -> list[Source]:
    """Return what may fill a field: columns, extra elements, and other elements that files carry.

    Args:
        interface: As declared.
        delivered: The same as this merchant's ERP delivers it.
        fields: Its settings.
        samples: Of its latest file.
    """
    path = f"{interface.lines.path}/" if interface.lines else ""
    of_lines = {field.name for field in interface.lines.fields} if interface.lines else set()
    elements = {field.name: field.element for field in delivered.all_fields()}
    found = []
    for field in interface.all_fields():
        is_of_line, element = field.name in of_lines, elements[field.name]
        carried = (path if is_of_line else "") + element
        sample = samples.values.get(carried, "") if samples else ""
        number = samples.carried(carried) if samples else None
        found.append(Source(field.name, element, field.description, number, sample, is_of_line=is_of_line))
    declared: Iterable[str] = fields.get("extra_elements") or ()
    unknown = samples.unknown if samples else {}
    for name in dict.fromkeys([*declared, *sorted(unknown)]):
        number = samples.carried(name) if samples else None
        sample = samples.values.get(name, "") if samples else ""
        is_new = name not in declared
        words = "In the files, not documented" if is_new else "Extra element"
        found.append(Source(name, name, words, number, sample, is_new=is_new))
    return found


def elements(interface: Interface, fields: Fields, errors: Iterable[SettingError]) -> list[Element]:
    """Return what this ERP calls the element of each column; errors begin below the interface."""
    wrong = {place[1]: text for place, text in errors if place[:1] == ("elements",) and len(place) > 1}
    said: Mapping[str, str] = fields.get("elements") or {}
    of_lines = interface.lines.fields if interface.lines else ()
    return [
        Element(each.name, each.element, said.get(each.name, ""), wrong.get(each.name, ""), each in of_lines)
        for each in interface.all_fields()
    ]


def suggestions(interface: Interface, delivered: Interface, samples: Samples | None) -> Suggestions:
    """Return which names an element may have; arguments as of `sources`."""
    of_lines = interface.lines.fields if interface.lines else ()
    read_of_lines = delivered.lines.fields if delivered.lines else ()
    return Suggestions(
        _names(samples.unknown if samples else (), delivered.fields, interface.fields),
        _names(samples.unknown_of_lines if samples else (), read_of_lines, of_lines),
    )


def _names(carried: Iterable[str], read: Iterable[Field], own: Iterable[Field]) -> list[str]:
    unread = sorted({*carried} - {field.element for field in read})
    return [*dict.fromkeys([*unread, *(field.element for field in own)])]


def filled_in(interface: Interface, form: FormData) -> dict[str, Any]:
    """Return the settings that a form says: rows `target.N` with `source.N`, columns `element.COLUMN`.

    What is as by default is left out. The extra elements are those of before, and those that a link needs.
    """
    mapping = dict(_links(interface, form))
    columns = set(interface.field_names())
    used = [name for said in mapping.values() if said for name in said.get("join") or [said["from"]]]
    before = [str(each) for each in form.getlist("extra")]
    extra = [name for name in dict.fromkeys([*before, *used]) if name not in columns]
    named = {name: _text(form, f"element.{name}") for name in interface.field_names()}
    said = {
        each.name: named[each.name] for each in interface.all_fields() if named[each.name] != each.element
    }
    settings = {
        "elements": {name: element for name, element in said.items() if element},
        "extra_elements": extra,
        "mapping": mapping,
    }
    return {key: value for key, value in settings.items() if value}


def _links(interface: Interface, form: FormData) -> Iterator[tuple[str, dict[str, Any] | None]]:
    defaults = {link.target: link for link in interface.links}
    for key in [key for key in form if key.startswith("target.")]:
        number = key.removeprefix("target.")
        chosen = [str(each) for each in form.getlist(f"source.{number}") if each]
        name = _text(form, key)
        if not name and not chosen:
            continue
        if number == "new" and not name.startswith(CUSTOM):
            name = CUSTOM + name
        default = defaults.get(name)
        said: dict[str, Any] = {"from": chosen[0]} if len(chosen) == 1 else {"join": chosen}
        said |= {
            part: value for part in ("transform", "date_form") if (value := _text(form, f"{part}.{number}"))
        }
        if _text(form, f"empty.{number}") == "clear":
            said["empty"] = "clear"
        if not chosen:
            if default or number == "new":
                yield name, None
        elif not default or tuple(chosen) != default.sources or len(said) > 1:
            yield name, said


def _text(form: FormData, key: str) -> str:
    value = form.get(key, "")
    return value.strip() if isinstance(value, str) else ""


def as_json(fields: FieldSettings) -> dict[str, Any]:
    """Return settings as a document holds them."""
    return fields.model_dump(mode="json", exclude_defaults=True)


CHOICES = list(TRANSFORMS.values())
"""Transforms of a custom field."""
