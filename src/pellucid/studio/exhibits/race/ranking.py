"""Who is ahead of whom."""

from collections.abc import Mapping

from pellucid.studio.exhibits.race.paths import Path

_ASTRAY = ("nan", "far")


def ranked(paths: Mapping[int, Path]) -> list[int]:
    """Return the lanes, the best first: who arrived earlier, then who has less loss; who went astray comes last.

    Of equal ones the one comes first that asked for fewer evaluations of the gradient, then the lane further up.
    """

    def order(number: int) -> tuple[float, ...]:
        path = paths[number]
        if path.fate in _ASTRAY:
            return (2, -path.step, 0, number)
        if path.arrived is not None:
            return (0, path.arrived, path.evaluations, number)
        return (1, float(path.losses[path.step]), path.evaluations, number)

    return sorted(paths, key=order)
