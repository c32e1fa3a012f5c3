"""Who may speak to the studio: this machine's own browser, at the studio's own address, with its token.

A page of any other origin can open a WebSocket to 127.0.0.1 and, by a name that it lets resolve to 127.0.0.1, can read
what is served there. So the Host must be one of ours exactly, a WebSocket must name an Origin of ours, and its first
message must bring the token, which only who started the studio knows.
"""

import hmac
import secrets
import time
from collections.abc import Callable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NAMES = ("127.0.0.1", "localhost")


def new_token() -> str:
    """Return 256 random bits."""
    return secrets.token_urlsafe(32)


def is_token(received: str, token: str) -> bool:
    """Compare in a time that does not tell how much of the token is right."""
    return hmac.compare_digest(received.encode("utf-8", "surrogatepass"), token.encode())


def policy(port: int) -> str:
    """Return the Content-Security-Policy: scripts, styles and fonts of our own, a socket to us, nothing else."""
    sockets = " ".join(f"ws://{name}:{port}" for name in NAMES)
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        f"connect-src 'self' {sockets}; img-src 'self' data: blob:; font-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


class Guard:
    """Refuses every request that is not for an address of ours, and adds the headers that bind the browser.

    Args:
        app: what answers the others.
        port: the one we listen on.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self.app = app
        self.hosts = {f"{name}:{port}".encode() for name in NAMES}
        self.origins = {f"http://{name}:{port}".encode() for name in NAMES}
        self.headers = [
            (b"content-security-policy", policy(port).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through what may pass."""
        if not self._is_ours(scope):
            await _refuse(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *self.headers]}
            await send(message)

        await self.app(scope, receive, with_headers)

    def _is_ours(self, scope: Scope) -> bool:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        if len(hosts) != 1 or hosts[0] not in self.hosts:
            return False
        # a page's own files are fetched without an Origin; a socket always has one
        needed = scope["type"] == "websocket"
        return len(origins) == 1 and origins[0] in self.origins if needed or origins else True


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": "not from here"})
    else:
        await PlainTextResponse("Not from here.\n", status_code=403)(scope, receive, send)


class Rate:
    """A bucket of messages: each takes one out, and `each_second` come in, up to `at_once`.

    Args:
        each_second: messages a second that may go on for ever.
        at_once: messages that may come together.
        clock: seconds, ever growing.
    """

    def __init__(
        self, each_second: float = 200.0, at_once: float = 400.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.each_second, self.at_once, self.clock = each_second, at_once, clock
        self.left, self.last = at_once, clock()

    def allows(self) -> bool:
        """Take one message out; False when there is none left."""
        now = self.clock()
        self.left = min(self.at_once, self.left + (now - self.last) * self.each_second)
        self.last = now
        if self.left < 1:
            return False
        self.left -= 1
        return True
