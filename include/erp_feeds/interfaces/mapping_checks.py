"""What makes a mapping unable to work: found when a merchant file is read, long before a file is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from erp_feeds.errors import nearest
from erp_feeds.interfaces.element_errors import ELEMENT_NAME, NOT_A_NAME
from erp_feeds.interfaces.mapping import effective_links, merchant_link, reads, target_of
from erp_feeds.interfaces.spec import Field, FieldType, Interface, Link, Target
from erp_feeds.interfaces.targets import CUSTOM, TRANSFORMS
from erp_feeds.merchant import InterfaceSettings, LinkSettings, SettingError

TEXTS = (FieldType.TEXT, FieldType.IDENTIFIER, FieldType.EMAIL, FieldType.DATETIME)
"""Types whose values are text."""


def mapping_errors(interface: Interface, settings: InterfaceSettings) -> Iterator[SettingError]:
    """Find what is wrong with the extra elements and the mapping of an interface.

    Yields:
        Where, below the interface, and what: with the nearest valid name of each that is unknown.
    """
    if (settings.mapping or settings.extra_elements) and not interface.targets:
        key = "mapping" if settings.mapping else "extra_elements"
        yield (key,), f"is not for {interface.name}: its fields are columns of the store as they are"
        return
    yield from _extra_errors(interface, settings)
    sources = _sources(interface, settings)
    is_wrong = False
    for name, said in settings.mapping.items():
        for location, text in _link_errors(interface, sources, name, said):
            is_wrong = True
            yield ("mapping", name, *location), text
    if not is_wrong:
        yield from _reading_errors(interface, settings)


@dataclass(frozen=True)
class _Source:
    """A name that a link may be filled from."""

    type: FieldType | None
    """None: an extra element, read as a link wants it."""
    of_line: bool = False
    stands_alone: bool = True


def _sources(interface: Interface, settings: InterfaceSettings) -> dict[str, _Source]:
    extras = {name: _Source(None) for name in settings.extra_elements}
    of_lines = interface.lines.fields if interface.lines else ()
    lines = {field.name: _source(field, of_line=True) for field in of_lines}
    return {**extras, **lines, **{field.name: _source(field) for field in interface.fields}}


def _source(field: Field, *, of_line: bool = False) -> _Source:
    return _Source(field.type, of_line, field.stands_alone)


def _extra_errors(interface: Interface, settings: InterfaceSettings) -> Iterator[SettingError]:
    """Check the extra elements: those that records have besides the known ones."""
    known = {field.element: field.name for field in interface.with_elements(settings.elements).fields}
    lines = interface.lines.holder if interface.lines else None
    for position, name in enumerate(settings.extra_elements):
        location = ("extra_elements", position)
        if not ELEMENT_NAME.fullmatch(name):
            yield location, f"'{name}' {NOT_A_NAME}"
        elif name in known:
            yield location, f"'{name}' is the element of the field '{known[name]}': map that field"
        elif name in interface.field_names() or name == lines:
            yield location, f"'{name}' is a name that {interface.name} uses itself"
        elif name in settings.extra_elements[:position]:
            yield location, f"'{name}' is there twice"


def _link_errors(
    interface: Interface, sources: Mapping[str, _Source], name: str, said: LinkSettings | None
) -> Iterator[SettingError]:
    target = target_of(interface, name)
    if target is None:
        yield (), _no_target(interface, name)
    elif target.fixed:
        yield (), f"is fixed: {target.fixed}"
    elif said is None:
        if all(link.target != name for link in interface.links):
            yield (), "has no default link that null could unlink"
    elif unknown := list(_unknown_sources(interface, sources, target, said)):
        yield from unknown
    else:
        link = merchant_link(interface, name, said)
        yield from _transform_errors(link, target, sources)
        yield from _join_errors(link, sources)
        if said.empty == "clear" and interface.replaces:
            text = "cannot be 'clear': a newer record replaces the stored one as a whole"
            yield ("empty",), text


def _no_target(interface: Interface, name: str) -> str:
    if name.startswith(CUSTOM):
        return f"is no custom field: {CUSTOM} and then up to 60 of a to z, 0 to 9 and '_'"
    names = [target.name for target in interface.targets if not target.fixed]
    return f"is no target of {interface.name}; {nearest(name, names)} (custom fields: {CUSTOM}<name>)"


def _unknown_sources(
    interface: Interface, sources: Mapping[str, _Source], target: Target, said: LinkSettings
) -> Iterator[SettingError]:
    usable = [name for name, source in sources.items() if source.of_line == target.of_line]
    for position, name in enumerate(said.sources):
        location = ("join", position) if said.join else ("from",)
        if name in usable:
            continue
        if name in sources:
            of, wanted = ("a record", "each line") if target.of_line else ("each line", "a record")
            yield location, f"'{name}' is of {of}, and the target of {wanted}; {nearest(name, usable)}"
        else:
            hint = "an element besides the documented ones is named under extra_elements first"
            yield location, f"'{name}' is no source of {interface.name}; {nearest(name, usable)} ({hint})"


def _transform_errors(link: Link, target: Target, sources: Mapping[str, _Source]) -> Iterator[SettingError]:
    if link.transform and link.transform not in TRANSFORMS:
        yield ("transform",), f"'{link.transform}' is no transform; {nearest(link.transform, TRANSFORMS)}"
        return
    if link.transform != target.transform and not target.name.startswith(CUSTOM):
        takes = f"values of '{target.transform}' only" if target.transform else "text as it stands"
        yield ("transform",), f"'{link.transform}' does not fit: the target takes {takes}"
        return
    if link.date_form and link.transform != "date":
        yield ("date_form",), f"is for dates, and the link makes '{link.transform or 'text'}'"
    for name in link.sources:
        kind = sources[name].type
        if not _is_readable_as(kind, link):
            place = ("join",) if len(link.sources) > 1 else ("from",)
            yield (
                place,
                f"'{name}' is a field of type {kind}, which the link cannot turn into {_result_words(link)}",
            )


def _is_readable_as(kind: FieldType | None, link: Link) -> bool:
    """Say whether a source of a type can be read as the link wants it."""
    if kind is None:
        return True
    wanted = reads(link)
    if wanted:
        return kind in (wanted, FieldType.TEXT)
    return _takes_anything(link) or kind in TEXTS


def _takes_anything(link: Link) -> bool:
    """A custom field takes whatever one element holds."""
    return link.target.startswith(CUSTOM) and not link.transform and len(link.sources) == 1


def _result_words(link: Link) -> str:
    return f"'{link.transform}'" if link.transform else "text"


def _join_errors(link: Link, sources: Mapping[str, _Source]) -> Iterator[SettingError]:
    if len(link.sources) < 2:
        return
    if link.transform in TRANSFORMS and reads(link):
        yield ("join",), f"joins several elements, but '{link.transform}' is read from one"
    if not any(sources[name].stands_alone for name in link.sources):
        yield ("join",), f"has no part that means something by itself: {', '.join(link.sources)}"


def _reading_errors(interface: Interface, settings: InterfaceSettings) -> Iterator[SettingError]:
    """An element is read once: two links may not want it as different things."""
    types = {field.name: field.type for field in interface.fields}
    first: dict[tuple[str, str], tuple[str, Link]] = {}
    for link in effective_links(interface, settings):
        for name in link.sources:
            for category, wish in _wanted_forms(types.get(name, FieldType.TEXT), link):
                other, by = first.setdefault((name, category), (wish, link))
                if other != wish:
                    mine = by if link.default else link
                    text = f"'{by.target}' reads '{name}' as {other}, and '{link.target}' as {wish}"
                    yield ("mapping", mine.target), f"cannot be: {text}"


def _wanted_forms(kind: FieldType, link: Link) -> Iterator[tuple[str, str]]:
    """Yield each setting, and what a link needs it to be for its source."""
    if kind is FieldType.TEXT and not _takes_anything(link):
        yield "type", str(reads(link) or FieldType.TEXT)
    if link.date_form:
        yield "form", link.date_form
