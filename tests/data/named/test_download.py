"""Downloads from a server of our own that misbehaves in every way a real one has been seen to."""

import hashlib
import http.server
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from socket import gaierror

import pytest

from pellucid.data import progress
from pellucid.data.named import download
from pellucid.data.named.download import RemoteFile, fetch
from pellucid.errors import DataError

CONTENT = random.Random(0).randbytes(300_000)
CHECKSUM = "sha256:" + hashlib.sha256(CONTENT).hexdigest()

Behaviour = Callable[[http.server.BaseHTTPRequestHandler, bytes], None]


class Server:
    """A local server: each path has a list of behaviours, one a request; the last one goes on."""

    def __init__(self) -> None:
        self.behaviours: dict[str, list[Behaviour]] = {}
        self.asked: list[tuple[str, str | None]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, self.headers.get("Range")))
                behaviours = outer.behaviours[self.path]
                behave = behaviours.pop(0) if len(behaviours) > 1 else behaviours[0]
                behave(self, CONTENT)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    def serves(self, *behaviours: Behaviour) -> str:
        path = f"/{len(self.behaviours)}/file.bin"
        self.behaviours[path] = list(behaviours)
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def pauses() -> list[float]:
    return []


def start_of(handler: http.server.BaseHTTPRequestHandler) -> int:
    asked = handler.headers.get("Range")
    return int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0


def answer(handler: http.server.BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def whole(handler: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
    answer(handler, 200, content)


def resumable(handler: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
    start = start_of(handler)
    if start == 0:
        whole(handler, content)
    else:
        answer(handler, 206, content[start:], Content_Range=f"bytes {start}-{len(content) - 1}/{len(content)}")


def cut_after(count: int, *, resumes: bool = True) -> Behaviour:
    def behave(handler: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
        start = start_of(handler) if resumes else 0
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(content) - start))
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        handler.end_headers()
        handler.wfile.write(content[start : start + count])
        handler.wfile.flush()
        handler.connection.close()

    return behave


def status(code: int) -> Behaviour:
    return lambda handler, _: answer(handler, code, b"no")


def wrong(handler: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
    answer(handler, 200, content[:-1] + bytes([content[-1] ^ 1]))


def remote(*urls: str, checksum: str = CHECKSUM) -> RemoteFile:
    return RemoteFile("set/file.bin", urls, len(CONTENT), checksum)


def test_a_file_comes_whole_and_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    file = remote(server.serves(whole))
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    assert fetch(file, tmp_path) == tmp_path / "set" / "file.bin"
    assert len(server.asked) == 1
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["file.bin"]


def test_md5_is_a_checksum_too(server: Server, tmp_path: Path) -> None:
    md5 = "md5:" + hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
    assert fetch(remote(server.serves(whole), checksum=md5), tmp_path).read_bytes() == CONTENT


def test_a_cut_connection_is_resumed_where_it_broke(server: Server, tmp_path: Path, pauses: list[float]) -> None:
    file = remote(server.serves(cut_after(100_000), cut_after(50_000), resumable))
    assert fetch(file, tmp_path, pause=pauses.append).read_bytes() == CONTENT
    assert [asked for _, asked in server.asked] == [None, "bytes=100000-", "bytes=150000-"]


def test_rounds_that_bring_bytes_are_not_counted(server: Server, tmp_path: Path, pauses: list[float]) -> None:
    file = remote(server.serves(cut_after(10_000)))
    assert fetch(file, tmp_path, pause=pauses.append).read_bytes() == CONTENT
    assert len(server.asked) == 30


def test_the_next_call_resumes_what_an_earlier_one_began(server: Server, tmp_path: Path, pauses: list[float]) -> None:
    dying = remote(server.serves(cut_after(120_000), status(503)))
    with pytest.raises(DataError):
        fetch(dying, tmp_path, pause=pauses.append)
    assert not (tmp_path / "set" / "file.bin").exists()
    server.asked.clear()
    assert fetch(remote(server.serves(resumable)), tmp_path).read_bytes() == CONTENT
    assert server.asked[0][1] == "bytes=120000-"


def test_a_server_that_ignores_ranges_starts_over(server: Server, tmp_path: Path, pauses: list[float]) -> None:
    file = remote(server.serves(cut_after(100_000), whole))
    assert fetch(file, tmp_path, pause=pauses.append).read_bytes() == CONTENT


def test_a_busy_server_is_asked_again_after_growing_pauses(server: Server, tmp_path: Path, pauses: list[float]) -> None:
    file = remote(server.serves(status(503), status(503), status(429), whole))
    assert fetch(file, tmp_path, pause=pauses.append).read_bytes() == CONTENT
    assert pauses == [1, 2, 4]


def test_a_missing_file_is_not_asked_for_twice(server: Server, tmp_path: Path, pauses: list[float]) -> None:
    gone, alive = server.serves(status(404)), server.serves(status(503), whole)
    assert fetch(remote(gone, alive), tmp_path, pause=pauses.append).read_bytes() == CONTENT
    assert [path[1] for path, _ in server.asked] == ["0", "1", "1"]


def test_the_next_mirror_goes_on_where_one_broke(server: Server, tmp_path: Path) -> None:
    file = remote(server.serves(cut_after(100_000)), server.serves(resumable))
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    assert [asked for _, asked in server.asked] == [None, "bytes=100000-"]


def test_wrong_bytes_are_never_kept(server: Server, tmp_path: Path, pauses: list[float]) -> None:
    with pytest.raises(DataError, match="could not be downloaded") as refusal:
        fetch(remote(server.serves(wrong)), tmp_path, pause=pauses.append)
    assert CHECKSUM in str(refusal.value)
    assert len(server.asked) == 1
    assert not list((tmp_path / "set").iterdir())


def test_the_other_mirror_serves_what_the_first_had_wrong(server: Server, tmp_path: Path) -> None:
    file = remote(server.serves(wrong), server.serves(resumable))
    assert fetch(file, tmp_path).read_bytes() == CONTENT


def test_wrong_bytes_left_by_another_mirror_do_not_condemn_the_right_one(server: Server, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "file.bin.part").write_bytes(b"a page of a hotel's network")
    assert fetch(remote(server.serves(resumable)), tmp_path).read_bytes() == CONTENT
    assert [asked for _, asked in server.asked] == ["bytes=27-", None]


@pytest.mark.parametrize("other", [CONTENT + b"more", b"<html>sign in first</html>"])
def test_a_file_of_another_length_is_refused_before_it_is_written(server: Server, tmp_path: Path, other: bytes) -> None:
    file = remote(server.serves(lambda handler, _: answer(handler, 200, other)), server.serves(whole))
    assert fetch(file, tmp_path).read_bytes() == CONTENT


def test_a_longer_file_of_unsaid_length_is_refused(server: Server, tmp_path: Path) -> None:
    def unsaid(handler: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(content + b"more")

    with pytest.raises(DataError, match="longer than 300,000 bytes"):
        fetch(remote(server.serves(unsaid)), tmp_path)
    assert fetch(remote(server.serves(whole)), tmp_path).read_bytes() == CONTENT


def test_a_range_that_cannot_be_satisfied_starts_over(server: Server, tmp_path: Path, pauses: list[float]) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "file.bin.part").write_bytes(CONTENT[:1000])
    file = remote(server.serves(status(416), whole))
    assert fetch(file, tmp_path, pause=pauses.append).read_bytes() == CONTENT


def test_a_server_that_resumes_elsewhere_is_not_used(server: Server, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "file.bin.part").write_bytes(CONTENT[:1000])

    def elsewhere(handler: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
        answer(handler, 206, content[5:], Content_Range=f"bytes 5-{len(content) - 1}/{len(content)}")

    file = remote(server.serves(elsewhere), server.serves(resumable))
    assert fetch(file, tmp_path).read_bytes() == CONTENT


def test_a_refused_connection_says_what_was_tried_and_what_to_do(tmp_path: Path, pauses: list[float]) -> None:
    url = "http://127.0.0.1:9/file.bin"
    with pytest.raises(DataError) as refusal:
        fetch(remote(url), tmp_path, pause=pauses.append)
    message = str(refusal.value)
    for part in (url, str(tmp_path / "set" / "file.bin"), "PELLUCID_DATA", "300,000 bytes"):
        assert part in message
    assert pauses == [1, 2, 4]


def test_without_a_network_nobody_waits(tmp_path: Path, pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    def no_names(*_: object, **__: object) -> None:
        raise gaierror(-2, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", no_names)
    with pytest.raises(DataError, match="Name or service not known"):
        fetch(remote("http://a.invalid/file.bin", "http://b.invalid/file.bin"), tmp_path, pause=pauses.append)
    assert pauses == []


def test_progress_is_told(server: Server, tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    with progress.listening(lambda *one: told.append(one)):
        fetch(remote(server.serves(whole)), tmp_path)
    assert told[-1] == ("downloading set/file.bin", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "set").write_text("a file where a folder should be")
    with pytest.raises(DataError, match="cannot be written") as refusal:
        fetch(remote("http://127.0.0.1:9/file.bin"), tmp_path)
    assert "PELLUCID_CACHE" in str(refusal.value)


def test_two_at_once_download_once(server: Server, tmp_path: Path) -> None:
    file = remote(server.serves(resumable))
    threads = [threading.Thread(target=fetch, args=(file, tmp_path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "set" / "file.bin").read_bytes() == CONTENT
    assert len(server.asked) == 1


def test_files_of_the_named_folder_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELLUCID_DATA", str(tmp_path / "mine"))
    monkeypatch.setenv("PELLUCID_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DataError, match="PELLUCID_DATA"):
        download.locate("set/file.bin")
    (tmp_path / "mine").mkdir()
    assert download.locate("set/file.bin") is None
    for root in (download.downloads_folder(), tmp_path / "mine"):
        (root / "set").mkdir(parents=True)
        (root / "set" / "file.bin").write_bytes(b"x")
        assert download.obtain(remote("http://127.0.0.1:9/file.bin")) == root / "set" / "file.bin"
