"""What a load reads and writes, in OpenLineage's words: XML element -> mapping -> column, with counts.

Only OpenLineage's provider asks for it; without that provider nothing imports this module. Names of elements,
columns, files and codes leave, never a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow.providers.openlineage.extractors import OperatorLineage
from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    base_subset_dataset,
    column_lineage_dataset,
    data_quality_assertions_dataset,
    data_quality_metrics_input_dataset,
    documentation_dataset,
    input_statistics_input_dataset,
    schema_dataset,
)
from openlineage.client.facet_v2 import output_statistics_output_dataset as statistics

from erp_feeds.batch import Batch, Counts, FeedFile
from erp_feeds.codes import RejectCode, WarningCode
from erp_feeds.ftps import FtpsHook, normalised
from erp_feeds.interfaces import interface_of, mapping_of
from erp_feeds.interfaces.spec import Field, Interface, Link
from erp_feeds.interfaces.targets import CUSTOM
from erp_feeds.merchant import Merchant
from erp_feeds.orchestration.assets import SCHEMA
from erp_feeds.settings import settings
from erp_feeds.store import connection as store
from erp_feeds.store import queries

Place = tuple[str, str]
"""Table and column."""

COLUMN_OF: Mapping[str, Place] = {
    "number": ("identifiers", "value"),
    "email": ("profiles", "email"),
    "event": ("purchases", "kind"),
    "orderid": ("purchases", "purchase_id"),
    "timestamp": ("purchases", "occurred_at"),
    "totalvalue": ("purchases", "total"),
    "products.id": ("purchase_lines", "sku"),
    "products.name": ("purchase_lines", "description"),
    "products.price": ("purchase_lines", "amount"),
    "products.quantity": ("purchase_lines", "quantity"),
}
"""Where the store keeps a target; any other is a column of its own name in the interface's first table."""

KEPT: Mapping[Place, str] = {
    ("purchases", "order_number"): "order_number",
    ("purchases", "receipt_number"): "receipt_number",
    ("purchases", "branch"): "branch",
    ("purchases", "local_time"): "date_time",
}
"""Columns that keep what a purchase was made of as it was delivered, each with its field."""


def of_load(merchant: Merchant, batch: Batch) -> OperatorLineage[Any, Any]:
    """Return the files that a load has read and the tables that they are for, as datasets with their facets.

    The files of an interface are one dataset, named without their index numbers.

    Raises:
        ConfigurationError: Airflow has no connection to the FTPS server.
        RetryError: The store, which knows the columns, cannot be used now.
    """
    server = FtpsHook(merchant.ftps.connection).server()
    source = f"ftps://{server.host}:{server.port}"
    names = dict.fromkeys(file.interface for file in batch.files)
    interfaces = [interface_of(merchant, name) for name in names]
    tables = dict.fromkeys(table for interface in interfaces for table in interface.tables)
    with store.connect() as connection:
        columns = queries.columns(connection, tables)
    fed: dict[Place, column_lineage_dataset.Fields] = {}
    inputs = []
    for interface in interfaces:
        files = [file for file in batch.files if file.interface == interface.name]
        found = _input(merchant, interface, files, source)
        inputs.append(found)
        for place, fields in _column_lineage(merchant, interface, found):
            fed.setdefault(place, column_lineage_dataset.Fields([])).inputFields.extend(fields)
    outputs = [_output(table, columns[table], fed, batch.files) for table in tables]
    return OperatorLineage(inputs=inputs, outputs=outputs)


def _input(merchant: Merchant, interface: Interface, files: Sequence[FeedFile], source: str) -> InputDataset:
    """Return the files of an interface: which, with which elements, how many records, how good they are."""
    folder = normalised(f"{merchant.ftps.root}/{interface.folder}").strip("/")
    counts = Counts.sum(file.counts for file in files)
    size = sum(file.size for file in files)
    fields = [
        schema_dataset.SchemaDatasetFacetFields(element, str(field.type), field.description, position)
        for position, (element, field) in enumerate(_elements(interface).values(), 1)
    ]
    located = base_subset_dataset.LocationSubsetCondition([file.name for file in files])
    return InputDataset(
        namespace=source,
        name=f"{folder}/{merchant.shop_name}_{interface.token}",
        facets={
            "schema": schema_dataset.SchemaDatasetFacet(fields),
            "documentation": documentation_dataset.DocumentationDatasetFacet(interface.title),
        },
        inputFacets={
            "inputStatistics": input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
                rowCount=counts.read, size=size, fileCount=len(files)
            ),
            "subset": base_subset_dataset.InputSubsetInputDatasetFacet(located),
            "dataQualityMetrics": _quality(interface, counts, size, len(files)),
            "dataQualityAssertions": data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
                list(_assertions(interface, counts))
            ),
        },
    )


def _elements(interface: Interface) -> dict[str, tuple[str, Field]]:
    """Return, by column name, how the schema calls each element, and its declaration; lines by their path."""
    found = {field.name: (field.element, field) for field in interface.fields}
    if interface.lines:
        path = interface.lines.path
        found |= {field.name: (f"{path}/{field.element}", field) for field in interface.lines.fields}
    return found


def _quality(
    interface: Interface, counts: Counts, size: int, files: int
) -> data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet:
    """Return how many records were read, and how many carried each element of the record."""
    metrics = {
        field.element: data_quality_metrics_input_dataset.ColumnMetrics(
            nullCount=counts.read - counts.elements.get(field.element, 0),
            count=counts.elements.get(field.element, 0),
        )
        for field in interface.fields
    }
    return data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet(
        columnMetrics=metrics, rowCount=counts.read, bytes=size, fileCount=files
    )


def _assertions(interface: Interface, counts: Counts) -> Iterator[data_quality_assertions_dataset.Assertion]:
    """Yield that no record is rejected, and that each code of a reject or warning was met by none."""
    make = data_quality_assertions_dataset.Assertion
    elements = _elements(interface)
    number = sum(counts.rejected.values())
    yield make("no_rejects", success=number == 0, severity="error", expected="0", actual=str(number))
    meanings = {code.value: code.meaning for code in (*RejectCode, *WarningCode)}
    for severity, found in (("error", counts.rejected), ("warn", counts.warnings)):
        for key, number in found.items():
            code, _, field = key.partition(":")
            yield make(
                code,
                success=False,
                column=elements[field][0] if field in elements else None,
                severity=severity,
                description=meanings[code],
                expected="0",
                actual=str(number),
            )


def _column_lineage(
    merchant: Merchant, interface: Interface, source: InputDataset
) -> Iterator[tuple[Place, list[column_lineage_dataset.InputField]]]:
    """Yield which elements fill which column, and how."""
    elements = _elements(interface)
    for place, link in _links(merchant, interface):
        how = [_how(interface, link)]
        names = (elements[name][0] for name in link.sources)
        make = column_lineage_dataset.InputField
        yield place, [make(source.namespace, source.name, name, how) for name in names]


def _links(merchant: Merchant, interface: Interface) -> Iterator[tuple[Place, Link]]:
    """Yield the links of the effective mapping, and what is kept as delivered, with the column of each."""
    first = interface.tables[0]
    if not interface.targets:  # each field is a column
        yield from (((first, field.name), Link("", (field.name,))) for field in interface.fields)
        return
    for link in mapping_of(merchant, interface.name).links:
        column = f"custom.{link.target}" if link.target.startswith(CUSTOM) else link.target
        yield COLUMN_OF.get(link.target, (first, column)), link
    for place, name in KEPT.items():
        if place[0] in interface.tables and name in interface.field_names():
            yield place, Link("", (name,))


def _how(interface: Interface, link: Link) -> column_lineage_dataset.Transformation:
    """Return what becomes of the text of the elements on the way."""
    target = next((each for each in interface.targets if each.name == link.target), None)
    joined = "joined by a space" if len(link.sources) > 1 else ""
    follows = target.description if target and target.fixed and link.target in COLUMN_OF else ""
    words = ", ".join(part for part in (link.transform, joined, follows) if part)
    subtype = "TRANSFORMATION" if words else "IDENTITY"
    return column_lineage_dataset.Transformation("DIRECT", subtype, words or None, masking=False)


def _output(
    table: str,
    columns: Mapping[str, str],
    fed: Mapping[Place, column_lineage_dataset.Fields],
    files: Sequence[FeedFile],
) -> OutputDataset:
    """Return a table: its columns, what fills them, how many rows the load has written."""
    host, _, database = settings().lineage_store.partition("/")
    lineage = {column: fields for (name, column), fields in fed.items() if name == table}
    custom = sorted(name.partition(".")[2] for name in lineage if name.startswith("custom."))
    fields = [
        schema_dataset.SchemaDatasetFacetFields(
            name,
            kind,
            ordinal_position=position,
            fields=[schema_dataset.SchemaDatasetFacetFields(each, "text") for each in custom]
            if name == "custom"
            else [],
        )
        for position, (name, kind) in enumerate(columns.items(), 1)
    ]
    rows = sum(file.rows.get(table, 0) for file in files)
    return OutputDataset(
        namespace=f"postgres://{host}",
        name=f"{database}.{SCHEMA}.{table}",
        facets={
            "schema": schema_dataset.SchemaDatasetFacet(fields),
            "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet(lineage),
        },
        outputFacets={"outputStatistics": statistics.OutputStatisticsOutputDatasetFacet(rowCount=rows)},
    )
