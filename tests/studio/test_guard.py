"""Who may speak to the studio: a real server, attacked by a client that can forge what a browser cannot."""

import contextlib
import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from pellucid.studio.guard import Rate, is_token, new_token
from pellucid.studio.messages import DEEPEST, MOST_BYTES, MalformedError, read_request
from pellucid.studio.server import MALFORMED, TOO_FAST, UNKNOWN, WRONG_TOKEN
from pellucid.studio.serving import Studio

FOREIGN = [
    "https://evil.example",
    "null",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "http://127.0.0.1.evil.example:{port}",
    "https://127.0.0.1:{port}",
    "http://localhost:{port}.evil.example",
    "HTTP://127.0.0.1:{port}/",
]
HOSTS = [
    "evil.example",
    "evil.example:{port}",
    "127.0.0.1",
    "127.0.0.1:1",
    "127.0.0.1:{port}.evil.example",
    "[::1]:{port}",
    "0.0.0.0:{port}",
]
FILES = ["/", "/page/shell/main.js", "/exhibits/convolution/view.js", "/exhibits.json", "/none"]
NO_GREETINGS = [
    '{"type": "set", "changes": {"stride": 2}}',
    '{"type": "transport", "do": "play"}',
    *("", "{", "[]", "null", '"hello"'),
    '{"type": "hello", "exhibit": "convolution"}',
    '{"type": "hello", "token": 7, "exhibit": "convolution"}',
    '{"type": "hello", "token": "a", "exhibit": "convolution", "more": 1}',
    '{"type": "hello", "token": "' + "x" * 300 + '", "exhibit": "convolution"}',
]
NO_SETTINGS: list[dict[str, Any]] = [
    {"stride": 99}, {"stride": "2"}, {"stride": 1.5}, {"stride": True}, {"__class__": 1}, {"matrix": [[1], [1, 2]]},
]  # fmt: skip


def ask(
    studio: Studio, path: str, method: str = "GET", headers: tuple[tuple[str, str], ...] = ()
) -> tuple[int, dict[str, str], str]:
    """Return the status, the headers and the text of an answer; the Host is ours where none is given."""
    connection = http.client.HTTPConnection("127.0.0.1", studio.port, timeout=5)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    ours = () if any(name == "Host" for name, _ in headers) else (("Host", f"127.0.0.1:{studio.port}"),)
    for name, value in (*ours, *headers):
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text


def opened(studio: Studio, origin: str | None = "http://127.0.0.1:{port}") -> ClientConnection:
    named: Any = None if origin is None else origin.format(port=studio.port)
    return connect(f"ws://127.0.0.1:{studio.port}/socket", origin=named, max_size=None, open_timeout=5)


def hello(studio: Studio, **changes: Any) -> str:
    return json.dumps({"type": "hello", "token": studio.token, "exhibit": "convolution", "settings": None} | changes)


@pytest.fixture
def greeted(studio: Studio) -> Iterator[ClientConnection]:
    """A socket that has said its greeting and heard the first frame."""
    with opened(studio) as connection:
        connection.send(hello(studio))
        while isinstance(connection.recv(timeout=10), str):
            pass
        yield connection


def closing(connection: ClientConnection, seconds: float = 5.0) -> tuple[int, str]:
    """Return with what code and reason the server closes."""
    ends = time.monotonic() + seconds
    with contextlib.suppress(ConnectionClosed):
        while time.monotonic() < ends:
            connection.recv(timeout=seconds)
    received = connection.protocol.close_rcvd
    assert received is not None
    return received.code, received.reason


@pytest.mark.parametrize("origin", [None, *FOREIGN])
def test_a_socket_of_another_origin_is_refused(studio: Studio, origin: str | None) -> None:
    with pytest.raises(InvalidStatus) as caught:
        opened(studio, origin=origin)
    assert caught.value.response.status_code == 403


@pytest.mark.parametrize("host", HOSTS)
def test_another_host_is_refused(studio: Studio, host: str) -> None:
    named = host.format(port=studio.port)
    for path in ("/", "/page/style.css", "/exhibits.json"):
        status, _, text = ask(studio, path, headers=(("Host", named),))
        assert status == 403
        assert "pellucid" not in text


def test_two_hosts_are_refused(studio: Studio) -> None:
    ours = f"127.0.0.1:{studio.port}"
    for hosts in ((("Host", ours), ("Host", "evil.example")), (("Host", "evil.example"), ("Host", ours))):
        assert ask(studio, "/", headers=hosts)[0] in (400, 403)


def test_a_page_of_another_origin_reads_nothing(studio: Studio) -> None:
    status, headers, _ = ask(studio, "/exhibits.json", headers=(("Origin", "https://evil.example"),))
    assert status == 403
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("path", FILES)
def test_every_answer_binds_the_browser(studio: Studio, path: str) -> None:
    _, headers, _ = ask(studio, path)
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


@pytest.mark.parametrize("path", [
    "/page/../server.py", "/page/%2e%2e/server.py", "/exhibits/convolution/engine.py", "//etc/passwd",
    "/page/..%2f..%2fcli.py", "/page/third_party/lit.d.ts", "/exhibits/convolution/__init__.py", "/page/",
])  # fmt: skip
def test_no_other_file_is_served(studio: Studio, path: str) -> None:
    assert ask(studio, path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_the_server_only_answers_questions(studio: Studio, method: str) -> None:
    assert ask(studio, "/", method)[0] == 405


def test_the_page_holds_nothing_inline(studio: Studio) -> None:
    page = ask(studio, "/")[2]
    assert "style=" not in page
    assert "<script>" not in page
    assert studio.token not in page


@pytest.mark.parametrize("token", ["", "wrong", "ключ", "\ud800"])
def test_a_wrong_token_ends_it(studio: Studio, token: str) -> None:
    with opened(studio) as connection:
        connection.send(hello(studio, token=token))
        assert closing(connection)[0] in ({WRONG_TOKEN} if token != "\ud800" else {WRONG_TOKEN, MALFORMED})


@pytest.mark.parametrize("first", NO_GREETINGS)
def test_nothing_is_done_before_the_token(studio: Studio, first: str) -> None:
    with opened(studio) as connection:
        connection.send(first)
        assert closing(connection)[0] == MALFORMED


def test_a_token_that_is_right_but_for_one_letter(studio: Studio) -> None:
    last = "A" if studio.token[-1] != "A" else "B"
    with opened(studio) as connection:
        connection.send(hello(studio, token=studio.token[:-1] + last))
        assert closing(connection) == (WRONG_TOKEN, "wrong token")


@pytest.mark.parametrize("name", ["none", "../guard", "__init__", "convolution/engine", ""])
def test_an_exhibit_is_a_name_and_not_a_path(studio: Studio, name: str) -> None:
    with opened(studio) as connection:
        connection.send(hello(studio, exhibit=name))
        assert closing(connection)[0] == UNKNOWN


@pytest.mark.parametrize("message", [
    "", "{", "null", "[]", '{"type": "eval", "code": "1"}', '{"type": "hello", "token": "x", "exhibit": "convolution"}',
    '{"type": "transport", "do": "explode"}', '{"type": "ack", "frame": "1"}', '{"type": "ack", "frame": 1.5}',
    '{"type": "set", "changes": []}', '{"type": "pace", "slow": 1}', '{"type": "show", "more": 1}',
    '{"type": "set", "changes": {"a": ' + "[" * 40 + "]" * 40 + "}}", "[" * 100_000,
])  # fmt: skip
def test_a_malformed_message_ends_it(greeted: ClientConnection, message: str) -> None:
    greeted.send(message)
    assert closing(greeted)[0] == MALFORMED


def test_bytes_are_no_message(greeted: ClientConnection) -> None:
    greeted.send(b"\x80\x04N.")
    assert closing(greeted)[0] == MALFORMED


def test_a_message_too_long_ends_it(greeted: ClientConnection) -> None:
    greeted.send(json.dumps({"type": "set", "changes": {"picture": "x" * MOST_BYTES}}))
    assert closing(greeted)[0] == 1009


def test_too_many_messages_end_it(greeted: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        for _ in range(1000):
            greeted.send('{"type": "ack", "frame": 1}')
    assert closing(greeted)[0] == TOO_FAST


@pytest.mark.parametrize("changes", NO_SETTINGS, ids=str)
def test_settings_are_checked(greeted: ClientConnection, changes: dict[str, Any]) -> None:
    greeted.send(json.dumps({"type": "set", "changes": changes}))
    while not (isinstance(message := greeted.recv(timeout=5), str) and "refused" in message):
        pass
    assert json.loads(message)["control"] == next(iter(changes))


def test_the_server_lives_on_after_all_this(studio: Studio, greeted: ClientConnection) -> None:
    greeted.send('{"type": "transport", "do": "step"}')
    assert ask(studio, "/")[0] == 200


def test_brackets_in_texts_are_not_nesting() -> None:
    read_request(json.dumps({"type": "set", "changes": {"text": "[" * 100 + '"\\' * 9}}))
    with pytest.raises(MalformedError, match="deep"):
        read_request('{"a":' * (DEEPEST + 1) + "1" + "}" * (DEEPEST + 1))


def test_a_rate_lets_through_what_it_says() -> None:
    now = [0.0]
    rate = Rate(each_second=10, at_once=5, clock=lambda: now[0])
    assert [rate.allows() for _ in range(6)] == [True] * 5 + [False]
    now[0] = 0.1
    assert [rate.allows(), rate.allows()] == [True, False]
    now[0] = 100.0
    assert sum(rate.allows() for _ in range(20)) == 5


def test_tokens_are_new_and_long() -> None:
    tokens = {new_token() for _ in range(50)}
    assert len(tokens) == 50
    assert all(len(token) >= 43 for token in tokens)
    assert is_token("a", "a")
    assert not is_token("a", "b")
