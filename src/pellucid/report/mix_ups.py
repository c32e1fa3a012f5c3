"""Which classes are taken for which others."""

from dataclasses import dataclass

from pellucid.judging.judgement import Confusion


@dataclass(frozen=True, slots=True)
class MixUp:
    """`count` of the `support` samples of class `truth` were taken for class `said`."""

    truth: str
    said: str
    count: int
    support: int


def mix_ups(confusion: Confusion) -> list[MixUp]:
    """Return every pair of classes mixed up, the most frequent first."""
    names = confusion.names
    found = [
        MixUp(names[truth], names[said], count, sum(row))
        for truth, row in enumerate(confusion.counts)
        for said, count in enumerate(row)
        if count and truth != said
    ]
    return sorted(found, key=lambda pair: -pair.count)
