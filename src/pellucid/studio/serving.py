"""The studio as an object: a server in a thread of its own, its address, and how it is closed."""

import contextlib
import errno
import logging
import socket
import threading
import webbrowser
from collections.abc import Iterable
from typing import Self
from urllib.parse import urlencode

import torch
import uvicorn

from pellucid.errors import OptionError
from pellucid.studio import catalogue
from pellucid.studio.catalogue import Entry
from pellucid.studio.exhibit import Given
from pellucid.studio.guard import new_token
from pellucid.studio.messages import MOST_BYTES
from pellucid.studio.server import application

USUAL_PORT = 8645

_log = logging.getLogger("pellucid.studio")


class Studio:
    """A running studio; `close` it, or `wait` until Ctrl-C.

    Args:
        given: what it was opened with.
        exhibit: which is shown first; None for the first of all.
        port: None for the usual one or, where that is taken, any that is free; 0 for any.
        token: what a page must say first; None for a new one.

    Raises:
        OptionError: the port is taken, or there is no such exhibit.
    """

    def __init__(
        self, given: Given, *, exhibit: str | None = None, port: int | None = None, token: str | None = None
    ) -> None:
        self.exhibits = catalogue.load()
        self.exhibit = None if exhibit is None else catalogue.require(exhibit, self.exhibits).name
        self._listening = _listen(port)
        _load_ahead(self.exhibits.values())
        self.port: int = self._listening.getsockname()[1]
        self.token = token or new_token()
        config = uvicorn.Config(
            application(self.exhibits, given, token=self.token, port=self.port),
            log_level="error", lifespan="off", server_header=False, ws="websockets-sansio", ws_max_size=MOST_BYTES,
            ws_per_message_deflate=False, timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listening]}, name="studio-server", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """The address to open; behind the # stands what the browser tells nobody but our page."""
        named = {"token": self.token} | ({"exhibit": self.exhibit} if self.exhibit else {})
        return f"http://127.0.0.1:{self.port}/#{urlencode(named)}"

    def show(self) -> None:
        """Open the address in the usual browser."""
        webbrowser.open(self.url)

    def wait(self) -> None:
        """Serve until Ctrl-C."""
        with contextlib.suppress(KeyboardInterrupt):
            while self._thread.is_alive():
                self._thread.join(0.5)
        self.close()

    def close(self) -> None:
        """End the server and every engine."""
        self._server.should_exit = True
        self._thread.join(10)
        self._listening.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<pellucid studio at {self.url}>"


def _load_ahead(exhibits: Iterable[Entry]) -> None:
    """Load what engines would load when they first run, so that no page waits for it.

    torch loads its compiler with the first optimiser, which takes longer than all else before a first frame.
    """
    torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])
    for entry in exhibits:
        try:
            entry.engine()
        except Exception:  # noqa: BLE001 - its own page tells of it, and the others are shown
            _log.exception("the exhibit %s cannot be loaded", entry.name)


def _listen(port: int | None) -> socket.socket:
    """Return a socket of this machine alone."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # so that a studio started again finds its port free, as servers do; two cannot have it at once
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", USUAL_PORT if port is None else port))
    except OSError as error:
        listening.close()
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        if port is None and error.errno == errno.EADDRINUSE:
            return _listen(0)
        why = "taken" if error.errno == errno.EADDRINUSE else "not open to you"
        raise OptionError(
            f"port {port} is {why}", expected="a free port", received=str(port),
            advice="close what uses it, or give another: --port 0 takes any that is free",
        ) from error  # fmt: skip
    listening.listen(64)
    return listening
