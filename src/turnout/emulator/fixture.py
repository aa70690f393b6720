"""Fixtures for pytest; import them in a conftest.

```python
from turnout.emulator.fixture import emulator, emulator_url
```
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from turnout.emulator.app import Emulator
from turnout.emulator.server import serve

__all__ = ["emulator", "emulator_url"]


@pytest.fixture
def emulator() -> Emulator:
    """A fresh emulator without a script."""
    return Emulator()


@pytest.fixture
def emulator_url(emulator: Emulator) -> Iterator[str]:
    """The URL at which the `emulator` fixture's emulator listens."""
    with serve(emulator) as url:
        yield url
