"""Whatever valid mapping a merchant has: the rows do not depend on the order of files, nor on batches."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd
import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from erp_feeds.interfaces import INTERFACES, interface_of, mapping_of
from erp_feeds.interfaces.mapping_checks import mapping_errors
from erp_feeds.merchant import Merchant
from erp_feeds.steps.deduplicate import deduplicate
from erp_feeds.steps.parse import parse
from erp_feeds.steps.split import split
from support.store_feed import TESTSHOP, apply_confirmations, dump, emptied

few = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # every example loads into the real store

CUSTOMERS, PURCHASES = "srs_customers", "srs_purchases"
Record = dict[str, str]

keep_or_clear = st.sampled_from([{}, {"empty": "clear"}])


def link(**link: Any) -> st.SearchStrategy[Any]:
    return keep_or_clear.map(lambda empty: {**link, **empty})


customer_links = st.fixed_dictionaries(
    {},
    optional={
        "city": st.none() | link(**{"from": "city"}) | link(**{"from": "Town"}) | link(join=["city", "Town"]),
        "lastname": link(**{"from": "last_name"}) | link(join=["first_name", "infix", "last_name"]),
        "firstname": st.none() | link(**{"from": "first_name"}),
        "gender": st.none() | link(**{"from": "gender"}) | link(**{"from": "infix"}),
        "birthdate": st.none() | link(**{"from": "birth_date", "date_form": "%d-%m-%Y"}),
        "newsletter": st.none() | link(**{"from": "newsletter"}),
        "marketing": link(**{"from": "newsletter"}) | link(**{"from": "Vip"}),
        "custom_town": link(**{"from": "city"}) | link(join=["infix", "Town"]),
        "custom_vip": link(**{"from": "Vip", "transform": "yes_no"}),
        "custom_vi_": link(**{"from": "Town"}),
    },
)
purchase_links = st.fixed_dictionaries(
    {},
    optional={
        "currency": st.none() | st.just({"from": "Money"}),
        "products.name": st.none() | st.just({"join": ["sku", "description"]}),
        "custom_card": st.sampled_from([{"from": "Card"}, {"join": ["Money", "Card"]}]),
        "custom_when": st.just({"from": "date_time"}),
    },
)

values = {
    "FirstName": st.sampled_from(["", "Ada", "Bea"]),
    "Infix": st.sampled_from(["", "van", "v"]),
    "LastName": st.sampled_from(["", "Dijk"]),
    "Gender": st.sampled_from(["", "V", "7"]),
    "BirthDate": st.sampled_from(["", "12-04-1985", "01-01-1990"]),
    "City": st.sampled_from(["", "Delft", "Leiden"]),
    "Newsletter": st.sampled_from(["", "ja", "nee", "perhaps"]),
    "Vip": st.sampled_from(["", "ja", "nee"]),
    "Town": st.sampled_from(["", "Oss", 'E"de\\']),
}
customers = st.fixed_dictionaries({"CustomerNumber": st.sampled_from("12")}, optional=values)
receipts = st.fixed_dictionaries(
    {"ReceiptNumber": st.sampled_from("78"), "CustomerNumber": st.just("1")},
    optional={"Card": st.sampled_from(["", "A", "B"]), "Money": st.sampled_from(["", "usd", "GBP", "?"])},
)
SAME_BASKET = (
    "<Branch>3</Branch><DateTime>2017-01-05T11:53:26</DateTime>"
    "<Lines><Line><Sku>95</Sku><Description>Bread</Description><Amount>1.00</Amount></Line></Lines>"
)


def merchant_with(links: dict[str, Any], interface: str, extra: tuple[str, ...]) -> Merchant:
    """The shop with a mapping without any error."""
    facts = TESTSHOP.model_dump()
    facts["interfaces"] = {name: {} for name in INTERFACES}
    facts["interfaces"][interface] = {"extra_elements": extra, "mapping": links}
    merchant = Merchant.model_validate(facts)
    assert not list(mapping_errors(INTERFACES[interface], merchant.interfaces[interface]))
    return merchant


def frames_of(
    merchant: Merchant, name: str, records: list[Record], rest: str = ""
) -> dict[str, pd.DataFrame]:
    """What the steps make of a file with these records."""
    interface = interface_of(merchant, name)
    root, container, record = interface.record_path
    inner = (
        f"<{record}>{''.join(f'<{key}>{text}</{key}>' for key, text in each.items())}{rest}</{record}>"
        for each in records
    )
    xml = f"<{root}><{container}>{''.join(inner)}</{container}></{root}>"
    blocks = list(parse({1: [io.BytesIO(xml.encode())]}, interface, merchant))
    frames = {
        key: pd.concat([block.frames[key] for block in blocks], ignore_index=True) for key in blocks[0].frames
    }
    return split(deduplicate(frames, interface, merchant).frames, interface, merchant).frames


PROFILES = (
    "SELECT i.value, to_jsonb(p) - '{profile_id,created_at,updated_at}'::text[] - %s::text[]"
    " FROM identifiers i JOIN profiles p USING (profile_id) ORDER BY 1"
)
BOUGHT = (
    "SELECT to_jsonb(p) - '{profile_id,created_at,updated_at}'::text[] - %s::text[], l.description"
    " FROM purchases p JOIN purchase_lines l USING (merchant, purchase_id) ORDER BY purchase_id"
)
WRITE = ["sequence", "file_id", "record", "field_versions"]
"""What says which file wrote a row: of course another one when the records come in other files."""


@few
@given(
    data=st.data(),
    links=customer_links,
    files=st.lists(st.lists(customers, max_size=3), min_size=2, max_size=4),
)
def test_customers_6_and_10_neither_order_nor_batches_matter_under_any_mapping(
    store: psycopg.Connection, data: st.DataObject, links: dict[str, Any], files: list[list[Record]]
) -> None:
    merchant = merchant_with({"birthdate": FORM, **links}, CUSTOMERS, ("Town", "Vip"))
    ends, values = [], []
    order = data.draw(st.permutations(range(len(files))))
    for positions in (range(len(files)), [*order, order[0]]):
        feed = emptied(store, merchant)
        known = [feed.file(CUSTOMERS, index) for index in range(1, len(files) + 1)]
        for position in positions:
            feed.load(known[position], frames_of(merchant, CUSTOMERS, files[position]))
        apply_confirmations(store)
        ends.append(store.execute(PROFILES, [[]]).fetchall())
        values.append(store.execute(PROFILES, [WRITE]).fetchall())
    feed = emptied(store, merchant)
    whole = feed.file(CUSTOMERS, 1)
    feed.load(whole, frames_of(merchant, CUSTOMERS, [record for file in files for record in file]))
    values.append(store.execute(PROFILES, [WRITE]).fetchall())
    assert ends[0] == ends[1]
    assert values[0] == values[1] == values[2]
    assert {row["mapping_version"] for _, row in values[0]} <= {mapping_of(merchant, CUSTOMERS).version}


FORM = {"from": "birth_date", "date_form": "%d-%m-%Y"}


@few
@given(data=st.data(), links=purchase_links, records=st.lists(receipts, min_size=1, max_size=4))
def test_purchases_6_neither_order_nor_batches_matter_under_any_mapping(
    store: psycopg.Connection, data: st.DataObject, links: dict[str, Any], records: list[Record]
) -> None:
    merchant = merchant_with(links, PURCHASES, ("Card", "Money"))
    order = data.draw(st.permutations(range(len(records))))
    ends, values = [], []
    for positions in (range(len(records)), [*order, order[0]]):
        feed = emptied(store, merchant)
        known = [feed.file(PURCHASES, index) for index in range(1, len(records) + 1)]
        for position in positions:
            feed.load(known[position], frames_of(merchant, PURCHASES, [records[position]], SAME_BASKET))
        apply_confirmations(store)
        ends.append(store.execute(BOUGHT, [[]]).fetchall())
        values.append(store.execute(BOUGHT, [WRITE]).fetchall())
    feed = emptied(store, merchant)
    whole, frames = feed.file(PURCHASES, 1), frames_of(merchant, PURCHASES, records, SAME_BASKET)
    feed.load(whole, frames)
    values.append(store.execute(BOUGHT, [WRITE]).fetchall())
    assert ends[0] == ends[1]
    assert values[0] == values[1] == values[2]
    before = dump(store)
    feed.load(whole, frames, "again")
    assert dump(store) == before


@few
@given(first=customer_links, second=customer_links, records=st.lists(customers, min_size=1, max_size=4))
def test_a_replay_writes_where_the_mapping_has_changed_and_nowhere_else(
    store: psycopg.Connection, first: dict[str, Any], second: dict[str, Any], records: list[Record]
) -> None:
    old, new = (
        merchant_with({"birthdate": FORM, **each}, CUSTOMERS, ("Town", "Vip")) for each in (first, second)
    )
    feed = emptied(store, old)
    file = feed.file(CUSTOMERS, 1)
    feed.load(file, frames_of(old, CUSTOMERS, records))
    for run, merchant in (("replay", new), ("again", new)):
        before = dump(store, ("profiles",))
        feed.merchant = merchant
        feed.load(file, frames_of(merchant, CUSTOMERS, records), run)
        same = run == "again" or mapping_of(old, CUSTOMERS).version == mapping_of(new, CUSTOMERS).version
        assert (dump(store, ("profiles",)) == before) == same
    found = {row[0] for row in store.execute("SELECT mapping_version FROM profiles")}
    assert found == {mapping_of(new, CUSTOMERS).version}
