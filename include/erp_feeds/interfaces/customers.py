"""SRS customers: people and their SRS number (contract: SRS connector, "Import customers")."""

from __future__ import annotations

from erp_feeds.interfaces.spec import Field, FieldType, Interface, Link
from erp_feeds.interfaces.targets import PROFILE_TARGETS

SRS_CUSTOMERS = Interface(
    name="srs_customers",
    title="SRS customers",
    source="SRS connector, Import customers",
    folder="srs",
    token="SRS_Customers",
    record_path=("Export", "Customers", "Customer"),
    key=("customer_number", "email"),
    rank=0,
    tables=("profiles", "identifiers"),
    fields=(
        Field(
            "customer_number",
            "CustomerNumber",
            FieldType.IDENTIFIER,
            description="SRS customer number, the key of a profile; required unless Email is present",
            example="1001",
        ),
        Field("email", "Email", FieldType.EMAIL, description="E-mail address", example="ada@example.com"),
        Field("first_name", "FirstName", description="First name", example="Ada"),
        Field(
            "infix",
            "Infix",
            stands_alone=False,
            description="Part between first and last name",
            example="van",
        ),
        Field("last_name", "LastName", description="Last name", example="Dijk"),
        Field("gender", "Gender", description="V, M, O, F or the words vrouw, man", example="V"),
        Field("birth_date", "BirthDate", FieldType.DATE, description="Date of birth", example="1985-04-12"),
        Field("phone", "Phone", description="Phone number", example="+31 20 5550100"),
        Field("street", "Street", description="Street", example="Kerkstraat"),
        Field(
            "house_number",
            "HouseNumber",
            stands_alone=False,
            description="House number with addition",
            example="12a",
        ),
        Field("postal_code", "PostalCode", description="Postal code", example="1017 GC"),
        Field("city", "City", description="City", example="Amsterdam"),
        Field("country", "Country", description="Country, ISO 3166-1 alpha-2", example="NL"),
        Field(
            "newsletter",
            "Newsletter",
            FieldType.YES_NO,
            description="Consent to the newsletter; empty means unknown, never no",
            example="yes",
        ),
    ),
    targets=PROFILE_TARGETS,
    links=(
        Link("number", ("customer_number",)),
        Link("email", ("email",)),
        Link("firstname", ("first_name",)),
        Link("lastname", ("infix", "last_name")),
        Link("gender", ("gender",), "gender"),
        Link("birthdate", ("birth_date",), "date"),
        Link("phone", ("phone",), "phone"),
        Link("postcode", ("postal_code",)),
        Link("city", ("city",)),
        Link("country", ("country",), "country"),
        Link("newsletter", ("newsletter",), "yes_no"),
        Link("custom_srs_customer_number", ("customer_number",)),
        Link("custom_street", ("street",)),
        Link("custom_housenumber", ("house_number",)),
    ),
)
