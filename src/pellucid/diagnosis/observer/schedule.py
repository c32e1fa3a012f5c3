"""Which steps are measured: all of the first ones, then as many of each doubling of their number."""


def is_measured(step: int, dense: int, per_doubling: int) -> bool:
    """Say whether a step is one of the measured.

    Steps below `dense` are; beyond, about `per_doubling` of every doubling, in pairs of neighbours, since some measures
    compare a step with the next. The number of measured steps grows with the logarithm of the run, whatever its length.
    """
    if step < dense:
        return True
    doubling = 1 << ((step // dense).bit_length() - 1)  # 1, 2, 4: how many times `dense` steps the doubling has
    stride = max(2, 2 * dense * doubling // per_doubling)
    return step % stride < 2
