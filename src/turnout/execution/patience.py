"""A response's bytes, for as long as there is time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx2


class Patient(httpx2.SyncByteStream):
    """Checks the deadline at every chunk: the vendor's client keeps pings to itself."""

    def __init__(self, stream: httpx2.SyncByteStream, check: Callable[[], None]) -> None:
        self._stream = stream
        self._check = check

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            self._check()
            yield chunk

    def close(self) -> None:
        """Let go of the connection."""
        self._stream.close()
