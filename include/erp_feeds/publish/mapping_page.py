"""The mapping as tables for people: rows for command line and store, a page of Markdown for the docs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from erp_feeds.interfaces.mapping import FieldMapping, mapping_of_settings, target_of
from erp_feeds.interfaces.spec import EXTRA, Interface, Link, Target
from erp_feeds.interfaces.targets import TRANSFORMS
from erp_feeds.merchant import InterfaceSettings

HEAD = """\
# Mapping

From the elements of a file to Activate's fields. This page is generated from
`include/erp_feeds/interfaces/` by `python -m erp_feeds docs`; change the declaration, not the page.

A merchant file says only what differs from the default, under `interfaces.<name>.mapping`:

```yaml
interfaces:
  srs_customers:
    extra_elements: [LoyaltyCard, Vip, MayCall]  # elements of the record besides the documented ones
    mapping:
      firstname: {join: [first_name, infix]}     # joined by a space; missing ones are left out
      lastname: {from: last_name}
      birthdate: {from: birth_date, date_form: "%d-%m-%Y"}
      city: {from: city, empty: clear}           # an empty element clears the field; by default it keeps it
      marketing: {from: MayCall}                 # yes or no; anything else is unknown, never no
      custom_loyalty: {from: LoyaltyCard}
      custom_vip: {from: Vip, transform: yes_no}
      phone: null                                # not filled any more
```

- **Targets** are the fields of the tables below, and custom fields: `custom_` and then up to 60 of a to z,
  0 to 9 and `_`.
- **Sources** are the columns of [the interface](interfaces.md) and the elements named under
  `extra_elements`. Any other element is counted as `unknown_element` and fills nothing.
- **A transform** comes with the target; only a custom field may choose one. A value without a known meaning
  is left out and counted as `unknown_value` of its source.
- **Clearing**: a missing element always keeps what is stored. With `empty: clear` an empty one clears it. A
  newer purchase replaces the stored one as a whole, so purchases do not take `empty`.
- **Fixed** links cannot be changed: identifiers, and what follows from the purchase itself.
- **Unlinking** a field of a profile (`phone: null`) stops filling it; stored values stay.

## Where the settings are

A merchant file says `settings: file` (the default) or `settings: store`. With `store`, the [mapping
screens](pages.md#mapping) edit `elements`, `extra_elements` and `mapping`, and which interfaces are
switched on. Each save is a revision in the store, which nothing changes or deletes. The latest counts;
before the first one, the merchant file does. All other settings stay in the file. A DAG loader never
asks the store: tasks do. A run takes the latest revision when it begins and works with it to its end,
whatever is saved in between; its note in Airflow gives the number.

| command | does |
|---|---|
| `python -m erp_feeds settings export MERCHANT` | prints the settings as YAML; `--revision N`: that one |
| `python -m erp_feeds settings import MERCHANT FILE` | checks such a file, and saves it as a new revision |
| `python -m erp_feeds settings history MERCHANT` | lists who saved which change, when and why |
| `python -m erp_feeds settings revert MERCHANT N` | saves revision N again, as the latest |

To move a merchant's settings back into its file: copy what `export` prints into its `interfaces`, next
to what is there already, and write `settings: file`.

## Checking

`python -m erp_feeds check` reports what cannot work, with line and nearest name.
`python -m erp_feeds mapping MERCHANT` prints the effective mapping and its version. The version is a
hash, which every profile, order and return keeps as `mapping_version`; `--rows` counts the rows of each
version. After a change, a backfill rewrites the rows of its days.

## Transforms

| transform | makes |
|---|---|
"""


@dataclass(frozen=True)
class LinkRow:
    """One target of an effective mapping as the tables show it."""

    target: str
    sources: list[str]
    """Columns, and names of extra elements."""
    elements: list[str]
    """What the ERP calls them."""
    transform: str
    date_form: str
    empty: str
    """keep or clear; of a field that belongs to a row replaced as a whole, nothing."""
    origin: str
    """default, fixed, merchant, or unlinked: a default that the merchant file takes away."""


def link_rows(interface: Interface, mapping: FieldMapping) -> list[LinkRow]:
    """Return one row per link, and one per default that is unlinked."""
    rows = [_row(interface, link, mapping) for link in mapping.links]
    linked = {row.target for row in rows}
    unlinked = (link.target for link in interface.links if link.target not in linked)
    return rows + [LinkRow(target, [], [], "", "", "", "unlinked") for target in unlinked]


def markdown(interfaces: Iterable[Interface]) -> str:
    """Return the whole page docs/mapping.md."""
    transforms = "".join(f"| `{each.name}` | {each.description} |\n" for each in TRANSFORMS.values())
    mapped = (interface for interface in interfaces if interface.targets)
    return HEAD + transforms + "".join("\n" + "\n".join(_section(each)) + "\n" for each in mapped)


def _row(interface: Interface, link: Link, mapping: FieldMapping) -> LinkRow:
    target = target_of(interface, link.target)
    origin = "default" if link.default else "merchant"
    empty = "clear" if link.clears else "keep"
    return LinkRow(
        target=link.target,
        sources=[name.removeprefix(EXTRA) for name in link.sources],
        elements=[mapping.elements[name] for name in link.sources],
        transform=link.transform,
        date_form=link.date_form,
        empty="" if interface.replaces else empty,
        origin="fixed" if target and target.fixed else origin,
    )


def _section(interface: Interface) -> Iterator[str]:
    mapping = mapping_of_settings(interface, InterfaceSettings())
    targets = {target.name: target for target in interface.targets}
    linked = [target_of(interface, link.target) for link in mapping.links]
    targets |= {target.name: target for target in linked if target}
    yield f"## {interface.title} (`{interface.name}`)\n"
    yield "| target | description | filled by default from | transform | may change |"
    yield "|---|---|---|---|---|"
    for target in targets.values():
        link = mapping.link(target.name)
        yield _markdown_row(target, link)


def _markdown_row(target: Target, link: Link | None) -> str:
    sources = " + ".join(f"`{name}`" for name in link.sources) if link else ""
    transform = f"`{target.transform}`" if target.transform else ""
    change = f"no: {target.fixed}" if target.fixed else "yes"
    return f"| `{target.name}` | {target.description} | {sources} | {transform} | {change} |"
