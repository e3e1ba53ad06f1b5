"""A table as it comes: its files, and what is made of its columns."""

from __future__ import annotations
