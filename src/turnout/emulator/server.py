"""The emulator on a socket: in a background thread for tests, or blocking for the shell."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from turnout.errors import ConfigError

if TYPE_CHECKING:
    import uvicorn

    from turnout.emulator.app import Emulator

STARTUP_S = 10.0
"""Seconds a server may take to come up."""


@contextmanager
def serve(emulator: Emulator, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Run the emulator in a background thread; gives its URL. Port 0 takes a free one."""
    server = _server(emulator)
    with _listen(host, port) as listener:
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="emulator", daemon=True
        )
        thread.start()
        try:
            _wait_until_up(server, thread)
            yield _url(host, listener)
        finally:
            server.should_exit = True
            server.force_exit = True  # nobody waits for replies that were told to hang
            thread.join(STARTUP_S)


def run(
    emulator: Emulator,
    host: str = "127.0.0.1",
    port: int = 8788,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Run the emulator until it is interrupted; `ready` is told the URL once it listens."""
    server = _server(emulator)
    with _listen(host, port) as listener, suppress(KeyboardInterrupt):
        if ready is not None:
            ready(_url(host, listener))
        server.run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(f"the emulator cannot listen on {host} port {port}: {error}") from error
    # Accepted connections inherit it; without it every answer waits 40 ms for a delayed ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _url(host: str, listener: socket.socket) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}"


def _server(emulator: Emulator) -> uvicorn.Server:
    import uvicorn

    config = uvicorn.Config(
        emulator,
        log_level="critical",
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def _wait_until_up(server: uvicorn.Server, thread: threading.Thread) -> None:
    waited = threading.Event()
    for _ in range(int(STARTUP_S / 0.005)):
        if server.started:
            return
        if not thread.is_alive():
            break
        waited.wait(0.005)
    raise RuntimeError("the emulator's server did not start")
