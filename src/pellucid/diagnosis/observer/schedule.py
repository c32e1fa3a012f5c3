"""Which steps are measured: all of the first ones, then as many of each doubling of their number."""


def is_measured(step: int, dense: int, per_doubling: int) -> bool:
    """Say whether a step is one of the measured.

    Steps below `dense` are; beyond, about `per_doubling` of every doubling, in pairs of neighbours, since some measures
    compare a step with the next. The number of measured steps grows with the logarithm of the run, whatever its length.
    """
    return step < dense or step % _stride(step, dense, per_doubling) < 2


def rests_until(step: int, dense: int, per_doubling: int) -> int:
    """Return a step up to which none is measured after this one, as late as can be told from here."""
    if step + 1 < dense:
        return step + 1
    stride = _stride(step, dense, per_doubling)
    following = step + 1 if (step + 1) % stride < 2 else step + stride - step % stride
    return min(following, 2 * dense * _doubling(step, dense))  # where the stride changes


def _doubling(step: int, dense: int) -> int:
    """Return how many times `dense` steps the doubling has that a step lies in: 1, 2, 4."""
    return 1 << (max(step // dense, 1).bit_length() - 1)


def _stride(step: int, dense: int, per_doubling: int) -> int:
    return max(2, 2 * dense * _doubling(step, dense) // per_doubling)
