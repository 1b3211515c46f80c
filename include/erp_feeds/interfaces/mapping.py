"""The effective mapping of a merchant's interface: its default links under what the merchant file says."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from erp_feeds.interfaces.spec import EXTRA, ISO_DATE, Field, FieldType, Interface, Link, Target
from erp_feeds.interfaces.targets import CUSTOM, CUSTOM_NAME, TRANSFORMS
from erp_feeds.merchant import InterfaceSettings, LinkSettings


@dataclass(frozen=True)
class FieldMapping:
    """Which target is filled from which elements, and how; the same version is the same mapping."""

    interface: str
    links: tuple[Link, ...]
    """In the order of the targets' declaration; custom fields follow by name."""
    elements: Mapping[str, str]
    """Column name of each source -> element that the ERP writes."""
    dependent: frozenset[str] = frozenset()
    """Columns that mean nothing by themselves, such as an infix."""

    @property
    def version(self) -> str:
        """Return a short hash of all that decides how a row is filled; the same in every process."""
        contents = [self.interface, [_comparable(link) for link in self.links], sorted(self.elements.items())]
        text = json.dumps(contents, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()

    def link(self, target: str) -> Link | None:
        """Return the link of a target; None where it is unlinked."""
        return next((link for link in self.links if link.target == target), None)

    def custom(self) -> tuple[Link, ...]:
        """Return the links that fill custom fields."""
        return tuple(link for link in self.links if link.target.startswith(CUSTOM))


def effective_links(interface: Interface, settings: InterfaceSettings) -> tuple[Link, ...]:
    """Return the links that fill the targets of an interface.

    Args:
        interface: As declared.
        settings: What the merchant file says of it; it has no `mapping_errors`.
    """
    links = {link.target: link for link in interface.links}
    for name, said in settings.mapping.items():
        links.pop(name, None)
        if said is not None:
            links[name] = merchant_link(interface, name, said)
    declared = [target.name for target in interface.targets]
    places = {name: (declared.index(name) if name in declared else len(declared), name) for name in links}
    return tuple(links[name] for name in sorted(links, key=places.__getitem__))


def merchant_link(interface: Interface, name: str, said: LinkSettings) -> Link:
    """Return what a merchant file says of one target, with the transform that the target asks for."""
    target = target_of(interface, name)
    of_target = target.transform if target else ""
    implied = "date" if said.date_form and name.startswith(CUSTOM) else ""
    transform = said.transform or of_target or implied
    return Link(name, said.sources, transform, said.date_form or "", said.empty == "clear", default=False)


def target_of(interface: Interface, name: str) -> Target | None:
    """Return the target of that name; any custom field is one; None where there is no such target."""
    known = next((target for target in interface.targets if target.name == name), None)
    if known is None and interface.targets and re.fullmatch(CUSTOM_NAME, name):
        return Target(name, "Custom field")
    return known


def as_delivered(interface: Interface, settings: InterfaceSettings) -> Interface:
    """Return an interface as one merchant's ERP delivers it, so that the parser reads what the links need.

    That is: its own element names, its extra elements, and text read as the yes or no, or as the date of the
    form, that a link makes of it. What no link uses stays text, so that it can reject no record.
    """
    links = effective_links(interface, settings)
    delivered = interface.with_elements(settings.elements).with_extras(settings.extra_elements)
    if not interface.targets:
        return delivered
    fields = (_read_for(field, links) for field in delivered.fields)
    return replace(delivered, fields=tuple(fields))


def mapping_of_settings(interface: Interface, settings: InterfaceSettings) -> FieldMapping:
    """Return the effective mapping, with the columns that the parser makes of the sources."""
    delivered = interface.with_elements(settings.elements).with_extras(settings.extra_elements)
    of_lines = delivered.lines.fields if delivered.lines else ()
    fields = (*delivered.fields, *of_lines)
    elements = {field.name: field.element for field in fields}
    links = effective_links(interface, settings)
    named = tuple(
        replace(link, sources=tuple(column_of(name, elements) for name in link.sources)) for link in links
    )
    used = sorted({name for link in named for name in link.sources})
    dependent = frozenset(field.name for field in fields if not field.stands_alone)
    return FieldMapping(interface.name, named, {name: elements[name] for name in used}, dependent)


def column_of(source: str, columns: Mapping[str, object]) -> str:
    """Return the column of a source: its own name, or that of an extra element."""
    return source if source in columns else EXTRA + source


def reads(link: Link) -> FieldType | None:
    """Return the type as which the parser must read a link's text source; None: it stays text."""
    return TRANSFORMS[link.transform].reads if link.transform else None


def _read_for(field: Field, links: tuple[Link, ...]) -> Field:
    """Return a field of the record, read as the links that use it want."""
    using = [link for link in links if field.name.removeprefix(EXTRA) in link.sources]
    if not using:
        return replace(field, type=FieldType.TEXT)
    wanted = next((reads(link) for link in using if reads(link)), None)
    form = next((link.date_form for link in using if link.date_form), field.date_form)
    kind = wanted if wanted and field.type is FieldType.TEXT else field.type
    return replace(field, type=kind, date_form=form)


def _comparable(link: Link) -> dict[str, object]:
    """Return what a link does, whoever said so: a default written out is the same mapping."""
    written_out = "" if link.date_form == ISO_DATE else link.date_form
    facts = {**asdict(link), "date_form": written_out}
    return {name: value for name, value in facts.items() if name != "default"}
