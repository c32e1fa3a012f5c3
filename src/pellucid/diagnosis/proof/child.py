"""The process of one replay: installs interventions, runs the script under a watch, and writes down what was seen.

Started by `replay` as a file, with a plan as its only argument.
"""

import os
import pickle
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

from torch.optim.optimizer import register_optimizer_step_post_hook

from pellucid.diagnosis.observation import Observation, Score
from pellucid.diagnosis.observer.listening import EnoughSteps, Sampling
from pellucid.diagnosis.proof.marks import Mark, listen
from pellucid.diagnosis.remedies.interventions import Intervention
from pellucid.diagnosis.script import Ending, Program, run
from pellucid.diagnosis.suspicion import Place
from pellucid.diagnosis.watch import Watch
from pellucid.files import read_json, to_json_line

MOST_REACHED = 20
EVERY_SCORE = Sampling(rows=(sys.maxsize, 1), figures=(sys.maxsize, 1))
"""A proof compares the last scores, which a sparse schedule may leave out."""
WRITING = {"w", "a", "x", "+"}


class Fence:
    """Keeps the script off the folders it was copied from, and notes what else it reaches."""

    def __init__(self, originals: list[str], copies: list[str]) -> None:
        self.reached: list[str] = []
        self._originals = originals
        self._inside = (*copies, "/dev/", "/proc/")
        self._passing = str(Path(tempfile.gettempdir()).resolve()) + "/"

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Hear of what the interpreter is about to do; see `sys.addaudithook`."""
        if event == "open" and isinstance(arguments[0], str) and _writes(arguments):
            self._written(arguments[0])
        elif event in {"os.remove", "os.rename", "os.rmdir", "shutil.rmtree", "os.truncate"}:
            self._written(str(arguments[0]))
        elif event == "socket.connect":
            self._note(f"connected to {arguments[1]}")

    def _written(self, name: str) -> None:
        path = str(Path(name).resolve())
        if path.startswith(self._inside):
            return
        if any(path.startswith(original + "/") for original in self._originals):
            raise PermissionError(f"{path} is not to be changed by a replay")
        if not path.startswith(self._passing):
            self._note(f"wrote {path}")

    def _note(self, what: str) -> None:
        if what not in self.reached and len(self.reached) < MOST_REACHED:
            self.reached.append(what)


def _writes(arguments: tuple[Any, ...]) -> bool:
    mode, flags = arguments[1], arguments[2]
    if isinstance(mode, str):
        return bool(WRITING & set(mode))
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))


def _ends_after(seconds: float, watch: Watch) -> Callable[[Any, Any, Any], None]:
    """Return a hook that ends the script at its next step when the time is up and a step was seen.

    The processor's time, where that is less: on a busy machine a script is not cut shorter than on an idle one, for
    runs of different lengths prove nothing.
    """
    wall, processor = time.monotonic(), time.process_time()

    def check(_optimizer: Any, _arguments: Any, _options: Any) -> None:
        if watch.steps and min(time.monotonic() - wall, time.process_time() - processor) > seconds:
            raise EnoughSteps

    return check


def _coverage(seen: Observation) -> Iterator[Score]:
    """Yield what share of real samples has a made one near, where two networks learn against each other."""
    for pair in seen.adversaries.values():
        for step, share in pair.coverage:
            yield Score(step, "train", None, share, cast("Any", "coverage"), 1)


def _told(watch: Watch, roots: dict[str, str]) -> bytes:
    """Return what is suspected now, of files where they were copied from; nothing where that fails."""
    try:
        return pickle.dumps([replace(each, where=_original(each.where, roots)) for each in watch.suspicions()])
    except Exception:  # noqa: BLE001 (a fault of ours, or a fact that only lives in the script: the score is there)
        return pickle.dumps([])


def _original(place: Place, roots: dict[str, str]) -> Place:
    for copy, original in roots.items():
        if place.file is not None and Path(place.file).is_relative_to(copy):
            return replace(place, file=str(Path(original, Path(place.file).relative_to(copy))))
    return place


def main() -> None:
    """Replay what the plan says, and write the answer where it says."""
    plan = read_json(Path(sys.argv[1]))
    undo = ExitStack()
    fence = Fence(plan["originals"], [*plan["copies"], str(Path(plan["answer"]).parent)])
    for change in plan["interventions"]:
        Intervention.from_json(change).install(undo)
    watch = Watch(steps=plan["steps"], sampling=EVERY_SCORE)
    register_optimizer_step_post_hook(_ends_after(plan["seconds"], watch))
    marks: list[Mark] = []
    listen(undo, marks, lambda: watch.steps)

    def tell(ending: Ending) -> None:
        seen = watch.seen
        scores = [asdict(score) for score in (*seen.scores, *_coverage(seen)) if score.kind != "none"]
        answer = {
            "scores": scores,
            "marks": [asdict(mark) for mark in marks],
            "steps": seen.steps,
            "how": ending.how,
            "error": ending.error or "",
            "reached": fence.reached,
        }
        roots = dict(zip(plan["copies"], plan["originals"], strict=True))
        Path(plan["suspicions"]).write_bytes(_told(watch, roots))
        Path(plan["answer"]).write_text(to_json_line(answer), encoding="utf-8")

    sys.addaudithook(fence)
    program = Program(plan["program"], tuple(plan["arguments"]), plan["module"])
    sys.exit(run(program, watch, tell, EnoughSteps))


if __name__ == "__main__":
    main()
