"""Files that are written for a test, and the sentences in which they are refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drlim.cli.files import read_samples


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(path: Path, read: Callable[..., Any] = read_samples, **options: Any) -> str:
    """Return the sentence in which a file is refused."""
    with pytest.raises(ValueError, match=re.escape(str(path))) as info:
        read(path, **options)
    assert len(str(info.value)) <= 600
    return str(info.value).replace(f"{path}", "FILE")
