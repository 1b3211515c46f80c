"""The one reader of merchant files: every error with file, line, value and the nearest valid name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from erp_feeds.errors import ConfigurationError
from erp_feeds.merchant import Merchant, SettingError
from erp_feeds.merchant_file.checks import checked, with_settings
from erp_feeds.merchant_file.yaml_text import dotted, fail, line_at, load, node_errors

ENDINGS = (".yaml", ".yml")


def merchant_files(folder: Path) -> list[Path]:
    """Return the merchant files of a folder, in name order; hidden ones are an editor's, and no merchant's.

    Raises:
        ConfigurationError: there is no such folder, or it may not be listed.
    """
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        message = f"{folder}: the folder of merchant files cannot be listed: {error.strerror}"
        raise ConfigurationError(message, "no_merchants_folder") from None
    return [path for path in entries if path.suffix.lower() in ENDINGS and not path.name.startswith(".")]


def files_by_merchant(folder: Path) -> dict[str, Path]:
    """Return the merchant files of a folder by the name that its merchant must have."""
    return {path.stem: path for path in reversed(merchant_files(folder))}


def read_merchant(path: Path) -> Merchant:
    """Read and check one merchant file.

    Raises:
        ConfigurationError: names file, line, value and the nearest valid name of every error.
    """
    node, data = load(path)
    merchant, errors = checked(data)
    if merchant and merchant.name != path.stem:
        errors.append((("name",), f"is '{merchant.name}', but the file is {path.name}: use one name"))
    lines = _lines(path.name, node, errors)
    if lines or merchant is None:
        raise ConfigurationError("\n".join(lines), "invalid_merchant_file")
    return merchant


def read_settings(merchant: Merchant, path: Path) -> dict[str, Any]:
    """Read a document of settings for the store from a YAML file, and check it as part of the merchant.

    Raises:
        ConfigurationError: names file, line, value and the nearest valid name of every error.
    """
    node, data = load(path)
    if lines := _lines(path.name, node, with_settings(merchant, data)[1]):
        raise ConfigurationError("\n".join(lines), "invalid_settings")
    return data


def read_merchants(
    folder: Path, wanted: str | None = None
) -> tuple[list[Merchant], list[ConfigurationError]]:
    """Read the merchant file of the wanted name, or every one of a folder; see `read_files`."""
    try:
        return read_files(path for path in merchant_files(folder) if wanted in {None, path.stem})
    except ConfigurationError as error:
        return [], [error]


def read_files(paths: Iterable[Path]) -> tuple[list[Merchant], list[ConfigurationError]]:
    """Read merchant files; whatever is wrong with one becomes its error and removes no other merchant."""
    merchants: dict[str, Merchant] = {}
    errors: list[ConfigurationError] = []
    for path in paths:
        try:
            merchant = read_merchant(path)
            if merchant.name in merchants:
                line = line_at(load(path)[0], ("name",))
                fail(f"{path.name}:{line}: name is '{merchant.name}', which another file has already")
            merchants[merchant.name] = merchant
        except ConfigurationError as error:
            errors.append(error)
        except (
            Exception
        ) as error:  # an error of this software: it must not cost the other merchants their DAGs
            message = f"{path.name}: cannot be checked, the software failed on it ({type(error).__name__})"
            errors.append(ConfigurationError(message, "internal_error"))
    return list(merchants.values()), errors


def _lines(name: str, node: yaml.Node, errors: Iterable[SettingError]) -> list[str]:
    lines = [f"{name}:{line_at(node, loc)}: {dotted(loc)} {text}" for loc, text in errors]
    return lines + [f"{name}:{line}: {text}" for line, text in node_errors(node)]
