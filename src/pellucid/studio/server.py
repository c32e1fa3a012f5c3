"""The server: the page's files, and one socket a page with one engine behind it."""

import asyncio
import contextlib
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

import torch
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from pellucid.studio.catalogue import Entry
from pellucid.studio.exhibit import Given
from pellucid.studio.files import File, table
from pellucid.studio.guard import Guard, Rate, is_token
from pellucid.studio.messages import Hello, MalformedError, read_hello, read_request
from pellucid.studio.worker import Worker

PATIENCE = 5.0
"""Seconds within which a page says its first message."""
MOST_PAGES = 16
"""Pages that may be open at once: each has a thread and an engine."""
MOST_WAITING = 500
"""Messages that may wait for an engine."""
# why a socket was closed; 4000 to 4999 are an application's own
WRONG_TOKEN, MALFORMED, TOO_FAST, TOO_MANY, UNKNOWN = 4401, 4400, 4429, 4503, 4404


@dataclass
class Visits:
    """How many pages are open."""

    open: int = 0


def application(exhibits: Mapping[str, Entry], given: Given, *, token: str, port: int) -> ASGIApp:
    """Return what uvicorn serves.

    Args:
        exhibits: by name.
        given: what the studio was opened with.
        token: what a page must say first.
        port: the one we listen on; hosts and origins are held against it.
    """
    files, visits = table(), Visits()

    async def send_file(request: Request) -> Response:
        file = files.get(request.url.path)
        return Response("No such page.\n", 404, media_type="text/plain") if file is None else _response(request, file)

    async def tell(_: Request) -> Response:
        listed = [{"name": entry.name, "titles": entry.titles} for entry in exhibits.values()]
        return JSONResponse({"exhibits": listed, "versions": _versions()}, headers={"cache-control": "no-store"})

    routes = [
        WebSocketRoute(
            "/socket", functools.partial(_visit, exhibits=exhibits, given=given, token=token, visits=visits)
        ),
        Route("/exhibits.json", tell),
        Route("/{path:path}", send_file),
    ]
    return Guard(Starlette(routes=routes), port)


def _response(request: Request, file: File) -> Response:
    # browsers ask for the icon anew whenever the address changes; pictures and fonts never change beneath a page
    is_lasting = file.kind.startswith(("image/", "font/"))
    caching = "private, max-age=3600" if is_lasting else "no-cache"
    headers = {"etag": file.tag, "cache-control": caching, "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == file.tag:
        return Response(status_code=304, headers=headers)
    if file.pressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.pressed, headers=headers | {"content-encoding": "gzip"}, media_type=file.kind)
    return Response(file.content, headers=headers, media_type=file.kind)


def _versions() -> dict[str, str]:
    return {"pellucid": version("pellucid"), "torch": torch.__version__}


async def _visit(socket: WebSocket, *, exhibits: Mapping[str, Entry], given: Given, token: str, visits: Visits) -> None:
    """Serve one page from its first message to its last."""
    await socket.accept()
    worker = None
    visits.open += 1
    try:
        hello = await _greeted(socket, exhibits, token, visits)
        outgoing: asyncio.Queue[str | bytes] = asyncio.Queue()
        put = functools.partial(_hand_over, asyncio.get_running_loop(), outgoing)
        worker = Worker(exhibits[hello.exhibit], hello.settings, given, put)
        worker.start()
        await _converse(socket, worker, outgoing)
    except _ClosedError as error:
        await _close(socket, error.code, error.reason)
    except MalformedError as error:
        await _close(socket, MALFORMED, str(error))
    except TimeoutError:
        await _close(socket, WRONG_TOKEN, "nothing was said")
    except (KeyError, RuntimeError):  # bytes where text belongs; a socket that went away in the middle of a message
        await _close(socket, MALFORMED, "not text")
    except WebSocketDisconnect:
        pass
    finally:
        visits.open -= 1
        if worker is not None:
            worker.ask(None)


async def _greeted(socket: WebSocket, exhibits: Mapping[str, Entry], token: str, visits: Visits) -> Hello:
    """Return the first message of a page that may be served."""
    if visits.open > MOST_PAGES:
        raise _ClosedError(TOO_MANY, "too many pages are open")
    async with asyncio.timeout(PATIENCE):
        hello = read_hello(await socket.receive_text())
    if not is_token(hello.token, token):
        raise _ClosedError(WRONG_TOKEN, "wrong token")
    if hello.exhibit not in exhibits:
        raise _ClosedError(UNKNOWN, "no such exhibit")
    return hello


async def _converse(socket: WebSocket, worker: Worker, outgoing: asyncio.Queue[str | bytes]) -> None:
    sending = asyncio.create_task(_send(socket, outgoing))
    rate = Rate()
    try:
        while True:
            text = await socket.receive_text()
            if not rate.allows() or worker.requests.qsize() > MOST_WAITING:
                raise _ClosedError(TOO_FAST, "too many messages")
            worker.ask(read_request(text))
    finally:
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
            await sending


async def _send(socket: WebSocket, outgoing: asyncio.Queue[str | bytes]) -> None:
    while True:
        message = await outgoing.get()
        if isinstance(message, bytes):
            await socket.send_bytes(message)
        else:
            await socket.send_text(message)


def _hand_over(loop: asyncio.AbstractEventLoop, outgoing: asyncio.Queue[str | bytes], message: str | bytes) -> None:
    """Pass a message from the engine's thread to the loop; one that has ended has nobody to tell."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(outgoing.put_nowait, message)


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):
        await socket.close(code, reason)


class _ClosedError(Exception):
    def __init__(self, code: int, reason: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(reason)
