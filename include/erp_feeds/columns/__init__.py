"""Columns of text and values: Arrow helpers, conversion from text, damaged text."""
