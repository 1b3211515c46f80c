"""Describes this package as an Airflow provider: the connection type FTPS, with a form for its extras.

Airflow finds this by the entry point `apache_airflow_provider` of the installed package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


def get_provider_info() -> dict[str, Any]:
    """Return the provider's facts, in the form of Airflow's provider.yaml."""
    # Whoever imports this module first would start Airflow, which asks here before the function is there.
    from erp_feeds.ftps.connection import Extras, field_schemas

    return {
        "package-name": "erp-feeds",
        "name": "erp-feeds",
        "description": "FTPS client for the FTPS servers in common use.",
        "connection-types": [
            {
                "connection-type": "ftps",
                "hook-class-name": "erp_feeds.ftps.hook.FtpsHook",
                "hook-name": "FTPS",
                "ui-field-behaviour": {
                    "hidden-fields": ["schema"],
                    "relabeling": {},
                    "placeholders": {"host": "ftps.example.com", "port": "21, or 990 where TLS is implicit"},
                },
                "conn-fields": {
                    name: _form_field(schema, Extras.model_fields[name])
                    for name, schema in field_schemas().items()
                },
            }
        ],
    }


def _form_field(schema: dict[str, Any], described: FieldInfo) -> dict[str, Any]:
    """Return a field of the connection form; one that may stay empty is marked so by the type null."""
    return {"label": described.title, "description": described.description, "schema": schema}
