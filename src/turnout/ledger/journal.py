"""The journal: one append-only file per process, one write per record.

A line is `{"kind": …, "document": …}`. The writing process holds an advisory lock on its file
for as long as it lives, so a reader that gets the lock knows that the writer is gone.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import math
import os
import threading
import time
from collections import deque
from pathlib import Path

import msgspec

from turnout.types import Json

log = logging.getLogger("turnout.ledger")

ROTATE_BYTES = 16 << 20
"""A file larger than this is closed and a new one begun."""

KEEP_BYTES = 16 << 20
"""How much is kept in memory while nothing can be written."""

UNLOCKED = "-unlocked"
"""Mark in the name of a file whose file system has no locks: readers never delete it."""

_PREFIX = {
    kind: b'{"kind":"%s","document":' % kind.encode()
    for kind in ("decision", "attempt", "outcome", "feedback")
}
_encode = msgspec.json.Encoder().encode


def encode_line(kind: str, document: Json) -> bytes:
    """One record as one line. Raises TypeError or ValueError for what JSON cannot hold."""
    prefix = _PREFIX.get(kind) or b'{"kind":%s,"document":' % _encode(str(kind))
    for value in document.values():
        if value.__class__ is float and not math.isfinite(value):
            document = _spell_out(document)
            break
    try:
        body = _encode(document)
    except (UnicodeEncodeError, TypeError):
        body = _encode_anyway(document)
    return prefix + body + b"}\n"


def _spell_out(document: Json) -> Json:
    """NaN and infinity as words: JSON would make them null, and ingest could not refuse them."""
    return {
        name: repr(value) if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in document.items()
    }


def _encode_anyway(document: Json) -> bytes:
    """Lone surrogates become `?`, odd objects their text."""
    text = json.dumps(document, default=str, ensure_ascii=False)
    return text.encode("utf-8", "replace")


class Journal:
    """This process's file in `folder`. Safe from many threads; never raises on a full disk."""

    def __init__(
        self, folder: Path, *, rotate_bytes: int = ROTATE_BYTES, keep_bytes: int = KEEP_BYTES
    ) -> None:
        self.folder = folder
        self.write_errors = 0
        self.dropped = 0
        self.last_error: str | None = None
        self._rotate_bytes = rotate_bytes
        self._keep_bytes = keep_bytes
        self._fd: int | None = None
        self._reset()

    def _reset(self) -> None:
        """A fresh start, as after a fork."""
        # Reentrant: a signal handler may record while its own thread is recording.
        self._lock = threading.RLock()
        self._fd = None
        self._pid = 0
        self._size = 0
        self._torn = False
        self._kept: deque[bytes] = deque()
        self._kept_bytes = 0

    @property
    def kept(self) -> int:
        """Records that wait in memory for a disk that takes them."""
        return len(self._kept)

    def append(self, line: bytes) -> None:
        """Write one line, or keep it for the next time. Never raises OSError."""
        with self._lock:
            if self._kept:
                self._keep(line)
                self._drain()
                return
            try:
                self._write(line)
            except OSError as error:
                self._failed(error)
                self._keep(line)

    def refuse(self, error: Exception) -> None:
        """Count a record that cannot be written as JSON at all."""
        with self._lock:
            self.dropped += 1
            self.last_error = f"a record could not be encoded: {error}"
        log.warning("turnout: %s", self.last_error)

    def flush(self) -> None:
        """Try once more to write what is kept in memory."""
        with self._lock:
            self._drain()

    def close(self) -> None:
        """Write what is kept, if that works now, and let go of the file."""
        with self._lock:
            self._drain()
            if self._fd is not None:
                os.close(self._fd)
                self._fd = None

    def __del__(self) -> None:
        if self._fd is not None:
            self.close()

    def after_fork(self) -> None:
        """In a forked child: the file and whatever is kept belong to the parent."""
        inherited = self._fd
        self._reset()
        if inherited is not None:
            os.close(inherited)  # else the parent's lock would outlive the parent

    # -- with the lock held ----------------------------------------------------------------

    def _write(self, line: bytes) -> None:
        fd = self._fd
        if (
            fd is None
            or self._pid != os.getpid()
            or self._size >= self._rotate_bytes
            or os.fstat(fd).st_nlink == 0  # the folder was deleted under us
        ):
            fd = self._open()
        if self._torn:
            line = b"\n" + line
        written = os.write(fd, line)
        if written != len(line):
            self._undo(fd, written)
            raise OSError(errno.ENOSPC, "only part of a record could be written")
        self._torn = False
        self._size += written

    def _undo(self, fd: int, written: int) -> None:
        """Take back half a line; failing that, let the next line start on a new one."""
        try:
            os.ftruncate(fd, os.fstat(fd).st_size - written)
        except OSError:
            self._torn = True

    def _open(self) -> int:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        private_folder(self.folder.parent)
        private_folder(self.folder)
        while True:
            name = f"{os.getpid()}-{time.time_ns():x}-{os.urandom(3).hex()}"
            fd = _create_locked(self.folder, name)
            if os.fstat(fd).st_nlink:
                break
            os.close(fd)  # a reader took the empty file for a dead one before we locked it
        self._fd, self._pid, self._size, self._torn = fd, os.getpid(), 0, False
        return fd

    def _drain(self) -> None:
        while self._kept:
            try:
                self._write(self._kept[0])
            except OSError as error:
                self._failed(error)
                return
            self._kept_bytes -= len(self._kept.popleft())

    def _keep(self, line: bytes) -> None:
        self._kept.append(line)
        self._kept_bytes += len(line)
        while self._kept_bytes > self._keep_bytes:
            self._kept_bytes -= len(self._kept.popleft())
            self.dropped += 1

    def _failed(self, error: OSError) -> None:
        self.write_errors += 1
        self.last_error = f"cannot write the journal in {self.folder}: {error.strerror or error}"
        if not self._kept:
            log.warning("turnout: %s; records are kept in memory meanwhile", self.last_error)


def private_folder(folder: Path) -> None:
    """Create `folder` for this user only; one that exists is left as it is."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)


def _create_locked(folder: Path, name: str) -> int:
    path = folder / f"{name}.jsonl"
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)  # waits only for a reader that looks at the empty file
    except OSError:
        path.rename(folder / f"{name}{UNLOCKED}.jsonl")
    return fd
