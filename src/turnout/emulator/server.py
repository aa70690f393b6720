"""The emulator on a socket: in a background thread for tests, or blocking for the shell."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn

    from turnout.emulator.app import Emulator

STARTUP_S = 10.0
"""Seconds a server may take to come up."""


@contextmanager
def serve(emulator: Emulator, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Run the emulator in a background thread; gives its URL. Port 0 takes a free one."""
    server = _server(emulator)
    with socket.create_server((host, port)) as listener:
        bound = listener.getsockname()[1]
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="emulator", daemon=True
        )
        thread.start()
        try:
            _wait_until_up(server, thread)
            yield f"http://{host}:{bound}"
        finally:
            server.should_exit = True
            server.force_exit = True  # nobody waits for replies that were told to hang
            thread.join(STARTUP_S)


def run(emulator: Emulator, host: str = "127.0.0.1", port: int = 8788) -> None:
    """Run the emulator until it is interrupted."""
    import uvicorn

    uvicorn.Server(_config(emulator, host=host, port=port)).run()


def _server(emulator: Emulator) -> uvicorn.Server:
    import uvicorn

    return uvicorn.Server(_config(emulator))


def _config(emulator: Emulator, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Config:
    import uvicorn

    return uvicorn.Config(
        emulator,
        host=host,
        port=port,
        log_level="critical",
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )


def _wait_until_up(server: uvicorn.Server, thread: threading.Thread) -> None:
    waited = threading.Event()
    for _ in range(int(STARTUP_S / 0.005)):
        if server.started:
            return
        if not thread.is_alive():
            break
        waited.wait(0.005)
    raise RuntimeError("the emulator's server did not start")
