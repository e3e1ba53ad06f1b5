"""Correct a map by statements made on its page: what is stated, kept on disk, served on loopback, and trained on."""

from __future__ import annotations
