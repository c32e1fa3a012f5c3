"""The files that the page is made of: a table made once, so that no path is ever made of what a browser asks."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parent / "page"
EXHIBITS = Path(__file__).parent / "exhibits"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
_PRESSED_ALREADY = {".woff2", ".png"}


@dataclass(frozen=True)
class File:
    """A file as it is served.

    Attributes:
        kind: its media type.
        content: its bytes.
        pressed: the same, gzipped; None where that would gain nothing.
        tag: changes when the content does.
    """

    kind: str
    content: bytes
    pressed: bytes | None
    tag: str


def table() -> dict[str, File]:
    """Return address -> file: the page's under /page/, an exhibit's under /exhibits/NAME/, the page itself at /."""
    files: dict[str, File] = {}
    for folder, address in ((PAGE, "/page"), (EXHIBITS, "/exhibits")):
        for path in sorted(folder.rglob("*")):
            # of texts the page reads its own and the exhibits' strings; others are an engine's
            if path.suffix in TYPES and path.is_file() and (path.suffix != ".json" or path.name == "strings.json"):
                files[f"{address}/{path.relative_to(folder).as_posix()}"] = _read(path)
    files["/"] = files.pop("/page/index.html")
    files["/favicon.ico"] = files["/page/icon.svg"]
    return files


def _read(path: Path) -> File:
    content = path.read_bytes()
    pressed = None if path.suffix in _PRESSED_ALREADY else gzip.compress(content, 6, mtime=0)
    return File(TYPES[path.suffix], content, pressed, f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"')
