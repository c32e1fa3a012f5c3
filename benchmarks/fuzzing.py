"""What is broken is refused.

Network texts, files and the studio's messages, damaged at random (seed 0) and given to what reads them. Each must be
taken or refused by one of pellucid's own errors: `escaped` counts every other exception, `ended` every process that
died, `slow` what took over two seconds, `written` and `executed` any file opened for writing outside the folder,
any process started, and any global that a pickle looked up, as Python's audit events tell them. Damage is bytes
changed, cut, doubled, moved and swapped between files of a kind, numbers replaced by extreme ones, and files that mean
harm: pickles, archives whose members climb out of their folder, pictures and tables that unpack to far more than they
are.

    python -m benchmarks.fuzzing [SHARE_OF_ALL [KIND ...]]
"""

import contextlib
import io
import json
import multiprocessing
import os
import pickle
import random
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from benchmarks.measure import table
from pellucid import open_run, train
from pellucid.data import load
from pellucid.errors import DataError, PellucidError
from pellucid.networks import parse
from pellucid.networks.zoo import ZOO
from pellucid.studio.messages import MalformedError, read_hello, read_request

COUNTS = {"network texts": 100_000, "CSV": 5_000, "Parquet": 3_000, "npz": 3_000, "pictures": 3_000,
          "run folders": 6_000, "studio messages": 10_000}  # fmt: skip
SLOW = 2.0
LONGEST = 30.0
"""Seconds after which a case is taken to hang, and its process is ended."""

READY = "ready"

Case = Callable[[random.Random, Path], None]


def compare(share: float = 1.0, *names: str) -> str:
    """Try everything, or what is named, and return the table."""
    rows = []
    for name in names or COUNTS:
        count = COUNTS[name]
        with tempfile.TemporaryDirectory() as place:
            counts, examples = tried(name, max(1, round(count * share)), Path(place))
        for example in examples:
            print(f"{name}: {example}", file=sys.stderr)
        shown = ("taken", "refused", "escaped", "ended", "slow", "written", "executed")
        rows.append([name, *(f"{counts[each]:,}" for each in shown)])
    return table(["", "taken", "refused", "escaped", "ended", "slow", "written", "executed"], rows)


def tried(name: str, count: int, place: Path) -> tuple[Counter[str], list[str]]:
    """Try so many cases in processes that may die; return what came of them, and the first of each fault."""
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    at, context = 0, multiprocessing.get_context("spawn")
    while at < count:
        ours, theirs = context.Pipe()
        worker = context.Process(target=_serve, args=(theirs, name, at, count, str(place)))
        worker.start()
        theirs.close()
        with contextlib.suppress(EOFError):
            if ours.recv() != READY:
                raise RuntimeError(f"{name}: the cases cannot be made")
            while at < count:
                if not ours.poll(LONGEST):
                    worker.kill()
                    break
                for kind, fault in ours.recv():
                    counts[kind] += 1
                    if fault:
                        examples.setdefault(fault.splitlines()[-1], f"case {at}: {fault}")
                at += 1
        worker.join()
        if at < count:  # it died in the middle of a case, or was ended
            counts["ended"] += 1
            examples.setdefault(f"ended {worker.exitcode}", f"case {at}: the process ended with {worker.exitcode}")
            at += 1
    return counts, list(examples.values())


def _serve(pipe: Connection, name: str, first: int, count: int, place: str) -> None:
    """Try the cases from the first on, and tell of each what came of it."""
    try:
        case = CASES[name](Path(place))
    except BaseException:
        pipe.send(traceback.format_exc())
        raise
    os.environ["PELLUCID_CACHE"] = str(Path(place) / "cache")
    pipe.send(READY)
    seen = _watched(Path(place))
    sys.stdout = sys.stderr = io.StringIO()  # what readers say is not what is counted
    for at in range(first, count):
        told: list[tuple[str, str]] = []
        began = time.monotonic()
        try:
            case(random.Random(f"{name} {at}"), Path(place))  # noqa: S311 - damage, not secrets
            told.append(("taken", ""))
        except PellucidError as error:
            told.append(("refused", "" if str(error) else "an error without words"))
        except BaseException as error:  # noqa: BLE001 - polars' panics are no Exceptions
            lines = traceback.format_exc().strip().splitlines()
            told.append(("escaped", "\n".join([str(error)[:200], *lines[-7:]])))
        if time.monotonic() - began > SLOW:
            told.append(("slow", f"{time.monotonic() - began:.1f} s"))
        told += [(kind, f"{kind} {what}") for kind, what in seen]
        seen.clear()
        pipe.send(told)


def _watched(place: Path) -> list[tuple[str, str]]:
    """Return a list that fills with what no reader should do."""
    seen: list[tuple[str, str]] = []
    allowed = (str(place), "/dev/", "/proc/", "/tmp/pymp", "/tmp/torch")  # noqa: S108 - where others write

    def is_outside(path: object, _: object, flags: object) -> bool:
        is_written = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
        return bool(is_written and isinstance(path, str) and not os.path.realpath(path).startswith(allowed))

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "pickle.find_class"):
            seen.append(("executed", f"{event} {arguments!r:.200}"))
        elif event == "open" and is_outside(*arguments):
            seen.append(("written", f"{arguments[0]}"))

    sys.addaudithook(hear)
    return seen


# what is damaged, and how


EXTREMES = (b"-1", b"0", b"1e999", b"nan", b"NaN", b"99999999999999999999", b"null", b"[]", b"{}", b'""', b"true",
            b"\x00", b"\xff\xfe", b"../../x", b"\n", b",", b'"', b"'", "Ω".encode(), b"1_000", b"0x10")  # fmt: skip


def damaged(chance: random.Random, content: bytes, others: list[bytes]) -> bytes:
    """Change bytes, cut, double, move, swap; once mostly, sometimes often."""
    for _ in range(chance.choice([1, 1, 1, 2, 4, 16])):
        size, kind = len(content), chance.randrange(7)
        at = chance.randrange(size + 1)
        end = min(size, at + int(chance.paretovariate(1.0)))
        part = content[at:end]
        match kind:
            case 0:
                content = content[:at] + bytes(chance.randrange(256) for _ in part) + content[end:]
            case 1:
                content = content[:at] + content[end:]
            case 2:
                content = content[:at] + part * chance.choice([2, 3, 50]) + content[end:]
            case 3:
                content = content[:at] + chance.choice(EXTREMES) + content[end:]
            case 4:
                other = chance.choice(others)
                content = content[:at] + other[chance.randrange(len(other) + 1) :]
            case 5:
                content = content[:at]
            case _:
                flipped = bytearray(content)
                if at < size:
                    flipped[at] ^= 1 << chance.randrange(8)
                content = bytes(flipped)
    return content[: 1 << 20]


class _Harm:
    """What a pickle would have executed."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.system, ("touch /tmp/executed-by-a-pickle",)


def _texts(_: Path) -> Case:
    texts = [*ZOO, "28x28x1 -> conv(6, 5x5, padding=2) -> relu -> maxpool(2x2) -> fc(10)",
             "T x 8 -> gru(16) -> last -> fc(2)", "tokens(9) -> embed(8) -> lstm(16) -> dropout(0.1) -> fc(9)",
             "32x32x3 -> 3 * (residual(conv(16, 3x3, padding=same) -> batchnorm -> relu)) -> gap -> fc(10)",
             "8 -> add(fc(4) | fc(4)) -> concat(identity | fc(3)) -> heads(a: fc(2) | b: fc(1))"]  # fmt: skip
    corpus = [text.encode() for text in texts]

    def case(chance: random.Random, _: Path) -> None:
        text = damaged(chance, chance.choice(corpus), corpus).decode(errors="replace")
        str(parse(text))

    return case


def _loading(suffix: str, corpus: list[bytes]) -> Case:
    def case(chance: random.Random, place: Path) -> None:
        path = place / f"case{suffix}"
        path.write_bytes(damaged(chance, chance.choice(corpus), corpus))
        load(str(path))

    return case


def _csv(_: Path) -> Case:
    rows = ["a,b,kind", *(f"{i},{i * 37 % 11 / 3:.2f},{'xyz'[i % 3]}" for i in range(60))]
    dated = ["time;value", *(f"2024-01-{1 + i % 28:02d};{i % 7},5" for i in range(60))]
    return _loading(".csv", [part.encode() for part in ("\n".join(rows), "\n".join(dated), '"a\nb",c\n1,2\n' * 9)])


def _parquet(_: Path) -> Case:
    corpus = []
    for compression in ("zstd", "uncompressed", "snappy"):
        file = io.BytesIO()
        frame = pl.DataFrame({"a": range(60), "b": [i / 7 for i in range(60)], "kind": ["x", "y", None] * 20})
        frame.write_parquet(file, compression=compression)
        corpus.append(file.getvalue())
    return _loading(".parquet", corpus)


def _npz(_: Path) -> Case:
    stream = np.random.default_rng(0)
    corpus = []
    for save in (np.savez, np.savez_compressed):
        file = io.BytesIO()
        save(file, x=stream.normal(size=(40, 6)), y=np.arange(40) % 3)
        corpus.append(file.getvalue())
    for harm in (pickle.dumps(_Harm()), _npy_of_objects()):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x.npy", harm)
            archive.writestr("../../y.npy", harm)
        corpus.append(file.getvalue())
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40,)})
        archive.writestr("x.npy", header.getvalue() + bytes(1 << 20))
        archive.writestr("y.npy", header.getvalue())
    return _loading(".npz", [*corpus, bomb.getvalue()])


def _npy_of_objects() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([_Harm()], dtype=object), allow_pickle=True)
    return file.getvalue()


def _pictures(place: Path) -> Case:
    stream = np.random.default_rng(0)
    corpus = []
    for kind, mode in (("PNG", "L"), ("PNG", "RGBA"), ("PNG", "P"), ("JPEG", "RGB"), ("GIF", "P"), ("BMP", "RGB")):
        file = io.BytesIO()
        Image.fromarray(stream.integers(0, 255, (12, 12), dtype=np.uint8)).convert(mode).save(file, kind)
        corpus.append(file.getvalue())
    bomb = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(bomb, "PNG")
    for kind in ("one", "two"):
        (place / "photos" / kind).mkdir(parents=True, exist_ok=True)
        for at in range(6):
            (place / "photos" / kind / f"{at}.png").write_bytes(corpus[0])

    def case(chance: random.Random, place: Path) -> None:
        path = place / "photos" / "one" / f"3{chance.choice(['.png', '.jpg', '.gif', '.bmp'])}"
        content = chance.choice([*corpus, bomb.getvalue()])
        path.write_bytes(content if chance.random() < 0.02 else damaged(chance, content, corpus))
        try:
            load(str(place / "photos"))
        finally:
            path.unlink()
            (place / "photos" / "one" / "3.png").write_bytes(corpus[0])

    return case


def _runs(place: Path) -> Case:
    folder = place / "run"
    if not folder.exists():
        train("iris", network="4 -> fc(5) -> tanh -> fc(3)", epochs=2, folder=str(place), name="run", quiet=True)
    files = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".html"}
    harm = pickle.dumps(_Harm())

    def case(chance: random.Random, place: Path) -> None:
        path = chance.choice(list(files))
        others = [harm, *(files[each] for each in files if each.suffix == path.suffix)]
        path.write_bytes(damaged(chance, files[path], others))
        try:
            run = open_run(folder)
            run.predict([[5.1, 3.5, 1.4, 0.2]])
            _ = run.record, run.findings, run.recipe
            if chance.random() < 0.05:
                run.report(place / "report.html")
        finally:
            path.write_bytes(files[path])

    return case


def _messages(_: Path) -> Case:
    corpus = [json.dumps(message).encode() for message in (
        {"type": "hello", "token": "x" * 43, "exhibit": "playground", "settings": {"seed": 0}},
        {"type": "set", "changes": {"learning_rate": 0.1}}, {"type": "act", "action": {"kind": "place", "at": 3}},
        {"type": "transport", "do": "play"}, {"type": "pace", "slow": True}, {"type": "ack", "frame": 3},
        {"type": "show"}, {"type": "set", "changes": {"a": [[[[[[[[1]]]]]]]]}},
    )]  # fmt: skip

    def case(chance: random.Random, _: Path) -> None:
        text = damaged(chance, chance.choice(corpus), corpus).decode(errors="replace")
        try:
            chance.choice((read_hello, read_request))(text)
        except MalformedError as error:
            raise DataError(str(error)) from None

    return case


CASES: dict[str, Callable[[Path], Case]] = {
    "network texts": _texts, "CSV": _csv, "Parquet": _parquet, "npz": _npz, "pictures": _pictures,
    "run folders": _runs, "studio messages": _messages,
}  # fmt: skip


if __name__ == "__main__":
    print(compare(float(sys.argv[1]) if sys.argv[1:] else 1.0, *sys.argv[2:]))
