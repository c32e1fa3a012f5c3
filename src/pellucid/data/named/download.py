"""Published files: looked for on this machine, else fetched over HTTP with mirrors, retries, resumption, checksums."""

import contextlib
import hashlib
import http.client
import os
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from socket import gaierror
from typing import IO

from pellucid.data import progress
from pellucid.data.cache import cache_folder, exclusively
from pellucid.errors import DataError

_ROUNDS = 4
_FIRST_PAUSE = 1.0
_MOST_ROUNDS = 100
_TIMEOUT = 20.0
_BYTES_AT_ONCE = 1 << 18
# answers that will be the same next time: the mirror is not asked again
_FINAL_STATUSES = frozenset((400, 401, 403, 404, 405, 410, 451))
_HEADERS = {"User-Agent": "pellucid (https://pypi.org/project/pellucid)", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A published file.

    Attributes:
        path: where it lies below a folder of data sets, such as `mnist/train-images-idx3-ubyte.gz`.
        urls: the places that serve it, the first tried first.
        size: in bytes.
        checksum: `md5:...` or `sha256:...`, as published.
    """

    path: str
    urls: tuple[str, ...]
    size: int
    checksum: str


def locate(path: str) -> Path | None:
    """Return the file (or folder) of this path in the folder PELLUCID_DATA names or among what was downloaded, or None.

    Raises:
        DataError: PELLUCID_DATA names no folder.
    """
    given = os.environ.get("PELLUCID_DATA")
    if given and not Path(given).expanduser().is_dir():
        raise DataError(
            f"PELLUCID_DATA names {given}, which is not a folder",
            expected="a folder that holds data sets, such as mnist/ and names/",
        )
    roots = [Path(given).expanduser()] if given else []
    for root in (*roots, downloads_folder()):
        if (root / path).exists():
            return root / path
    return None


def obtain(file: RemoteFile) -> Path:
    """Return the file on this machine: from the folder PELLUCID_DATA names, from the cache, or downloaded into it.

    What was downloaded has its published checksum; what PELLUCID_DATA holds is the user's and taken as it is.

    Raises:
        DataError: the file is not here and cannot be downloaded.
    """
    return locate(file.path) or fetch(file, downloads_folder())


def downloads_folder() -> Path:
    """Return the folder that downloads are kept in."""
    return cache_folder() / "downloads"


def fetch(file: RemoteFile, folder: Path, *, pause: Callable[[float], None] = time.sleep) -> Path:
    """Download a file to `folder/file.path`; it appears there whole and with the right checksum, or not at all.

    The bytes gather in a `.part` file beside it. A connection that breaks is resumed where it broke (HTTP Range),
    now or by the next call; a server that cannot resume starts over. Every round tries every mirror, with pauses of
    1, 2, 4 seconds between rounds; a round that brought new bytes does not count.

    Args:
        file: what to download.
        folder: where to.
        pause: waits so many seconds (the tests do not).

    Raises:
        DataError: no mirror served the right bytes; names them, the folder, and what was tried.
    """
    target = folder / file.path
    if target.is_file():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with exclusively(folder, file.path):
            if not target.is_file():  # another process may have brought it while this one waited
                _Download(file, target, pause).run()
    except OSError as error:
        raise DataError(
            f"{target} cannot be written: {error}", advice="set PELLUCID_CACHE to a folder that you may write to"
        ) from error
    return target


class _MirrorError(Exception):
    """A mirror did not serve the file; `final` if asking again is useless."""

    def __init__(self, reason: str, *, final: bool = False, offline: bool = False, status: int = 200) -> None:
        super().__init__(reason)
        self.status = status
        self.final = final
        self.offline = offline


@dataclass(slots=True)
class _Download:
    file: RemoteFile
    target: Path
    pause: Callable[[float], None]
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def part(self) -> Path:
        return self.target.with_name(self.target.name + ".part")

    def run(self) -> None:
        """Try every mirror, round after round, until one has brought the file."""
        mirrors = list(self.file.urls)
        rounds = 0
        for _ in range(_MOST_ROUNDS):
            before, offline = self._have(), 0
            for url in tuple(mirrors):
                try:
                    self._from_mirror(url)
                except _MirrorError as error:
                    self.failures[url] = str(error)
                    if error.status == 416:  # it has less than what came so far: one of the two is wrong
                        self.part.unlink(missing_ok=True)
                    offline += error.offline
                    if error.final:
                        mirrors.remove(url)
                else:
                    self.part.replace(self.target)
                    return
            rounds += self._have() <= before
            # where no name can be looked up, there is no network to wait for
            if not mirrors or rounds == _ROUNDS or offline == len(mirrors):
                break
            self.pause(_FIRST_PAUSE * 2 ** max(0, rounds - 1))
        raise self._failed()

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def _from_mirror(self, url: str) -> None:
        """Bring the .part file to its full size and check it.

        Raises:
            _MirrorError: the mirror failed; what came of the file stays for the next one, unless it was wrong.
        """
        resumed = self._have() > 0
        while True:
            if self._have() < self.file.size:
                with _reading_from(url):
                    self._receive(url)
            if self._have() < self.file.size:
                raise _MirrorError(f"the connection ended after {self._have():,} of {self.file.size:,} bytes")
            if _checksum(self.part, self.file.checksum) == self.file.checksum:
                return
            self.part.unlink()
            if not resumed:
                raise _MirrorError(f"the file served has not the checksum {self.file.checksum}", final=True)
            # the bytes kept from before may be the wrong ones: only a whole file speaks against this mirror
            resumed = False

    def _receive(self, url: str) -> None:
        start = self._have()
        request = urllib.request.Request(url, headers=_HEADERS)  # noqa: S310 - addresses of our own tables
        if start:
            request.add_header("Range", f"bytes={start}-")
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310 - as above
            resumes = response.status == 206
            first, whole = _extent(response.headers) if resumes else (0, _whole_number(response.headers))
            if resumes and first != start:
                raise _MirrorError("the server resumed at another place than asked", final=True)
            if whole is not None and whole != self.file.size:
                raise _MirrorError(f"the file served has {whole:,} bytes, not {self.file.size:,}", final=True)
            with self.part.open("ab" if resumes else "wb") as part:
                self._copy(response, part, first or 0)

    def _copy(self, response: http.client.HTTPResponse, part: IO[bytes], have: int) -> None:
        while have < self.file.size:
            block = response.read(min(_BYTES_AT_ONCE, self.file.size - have))
            if not block:
                return
            part.write(block)
            have += len(block)
            progress.report(f"downloading {self.file.path}", have, self.file.size)
        if response.read(1):
            part.close()
            self.part.unlink()
            raise _MirrorError(f"the file served is longer than {self.file.size:,} bytes", final=True)

    def _failed(self) -> DataError:
        tried = "; ".join(f"{url}: {reason}" for url, reason in self.failures.items())
        name = Path(self.file.path).name
        return DataError(
            f"{self.file.path} is not on this machine and could not be downloaded",
            expected=f"{name} ({self.file.size:,} bytes, {self.file.checksum}) from one of "
            + ", ".join(self.file.urls),
            received=tried,
            advice=f"with a connection, try again (what has come is kept); without one, put the file at {self.target}, "
            f"or set PELLUCID_DATA to a folder that holds {self.file.path}",
        )


@contextlib.contextmanager
def _reading_from(url: str) -> Iterator[None]:
    """Turn what a connection can raise into a `_MirrorError`."""
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        reason = f"status {error.code} {error.reason}"
        raise _MirrorError(reason, final=error.code in _FINAL_STATUSES, status=error.code) from error
    except urllib.error.URLError as error:
        raise _MirrorError(str(error.reason), offline=isinstance(error.reason, gaierror)) from error
    except (http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError) as error:
        raise _MirrorError(str(error) or type(error).__name__) from error
    except ValueError as error:
        raise _MirrorError(f"{url}: {error}", final=True) from error


def _extent(headers: Message) -> tuple[int | None, int | None]:
    """Return where a partial answer begins and how long the whole file is, each None if unsaid."""
    match = re.match(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", ""))
    if match is None:
        return None, None
    return int(match[1]), int(match[2]) if match[2].isdecimal() else None


def _whole_number(headers: Message) -> int | None:
    text = headers.get("Content-Length", "")
    return int(text) if text.isdecimal() else None


def _checksum(path: Path, like: str) -> str:
    """Return the file's checksum, by the algorithm `like` names."""
    algorithm = like.partition(":")[0]
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False))
    return f"{algorithm}:{digest.hexdigest()}"
