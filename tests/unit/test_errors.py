"""Faults carry a stable code and plain words, and typing errors get an offer."""

from __future__ import annotations

import pytest

from erp_feeds.codes import QuarantineCode, RejectCode, SkipCode, WarningCode
from erp_feeds.errors import ConfigurationError, FailError, FeedError, QuarantineError, RetryError, nearest


def test_a_configuration_error_is_not_fixed_by_trying_again() -> None:
    error = ConfigurationError("testshop.yaml:3: wrong", "invalid_merchant_file")
    assert isinstance(error, FailError)
    assert not isinstance(error, RetryError)
    assert error.code == "invalid_merchant_file"


def test_a_quarantine_keeps_code_and_reason_apart() -> None:
    error = QuarantineError(QuarantineCode.DOCTYPE, "a document type is declared in line 2")
    assert isinstance(error, FeedError)
    assert (error.code, error.reason) == ("doctype", "a document type is declared in line 2")
    assert str(error) == "doctype: a document type is declared in line 2"


@pytest.mark.parametrize("codes", [QuarantineCode, RejectCode, SkipCode, WarningCode])
def test_codes_are_stable_words(codes: type[QuarantineCode]) -> None:
    assert all(code.value == code.name.lower() for code in codes)


def test_nearest_offers_one_name_or_all() -> None:
    known = ("srs_customers", "srs_purchases", "erp_cache_customers")
    assert nearest("srs_custmers", known) == "did you mean 'srs_customers'?"
    assert nearest("europe/amsterdm", ["Europe/Amsterdam", "UTC"]) == "did you mean 'Europe/Amsterdam'?"
    assert nearest("zzz", known) == "valid: erp_cache_customers, srs_customers, srs_purchases"
