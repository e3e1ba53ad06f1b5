"""The borders with the user, numpy, torch and the disk."""

from __future__ import annotations

from drlim._base.versions import show_versions

__all__ = ["show_versions"]
