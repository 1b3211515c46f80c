"""A home below a fresh folder, and a merchant."""

from support.homes import home, merchant  # noqa: F401 - fixtures
