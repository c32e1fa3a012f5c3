"""Output sizes, held against counting the windows by hand and against the papers' networks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.experiments.claims.output_size import Window, places_padded_same, same, valid, with_one, without_one

pytestmark = pytest.mark.covers("A7", "D7")

sizes = st.integers(1, 300)


@given(sizes, sizes, st.integers(1, 20), st.integers(0, 20))
def test_with_one_counts_the_windows_that_fit(n: int, f: int, s: int, p: int) -> None:
    beginnings = [at for at in range(0, n + 2 * p, s) if at + f <= n + 2 * p]
    if beginnings:
        assert with_one(Window(n, f, s, p)) == len(beginnings) == without_one(Window(n, f, s, p)) + 1


@given(sizes, sizes, st.integers(1, 20))
def test_without_padding_it_is_the_valid_size(n: int, f: int, s: int) -> None:
    if f <= n:
        assert valid(Window(n, f, s)) == with_one(Window(n, f, s))


@pytest.mark.parametrize(
    ("window", "size"),
    [
        (Window(227, 11, 4), 55),  # Krizhevsky, Sutskever and Hinton 2012, the first layer of AlexNet
        (Window(55, 3, 2), 27),
        (Window(27, 5, 1, 2), 27),
        (Window(32, 5, 1), 28),  # LeCun et al. 1998, C1 and S2 of LeNet-5
        (Window(28, 2, 2), 14),
        (Window(224, 7, 2, 3), 112),  # He et al. 2016, the first layer of ResNet
    ],
)
def test_the_sizes_of_the_papers(window: Window, size: int) -> None:
    assert with_one(window) == size


@pytest.mark.parametrize(("n", "f", "s"), [(5, 3, 2), (7, 2, 3), (12, 5, 4), (3, 3, 1)])
def test_padding_same_is_built_with_the_size_of_same(n: int, f: int, s: int) -> None:
    assert places_padded_same(Window(n, f, s)) == same(Window(n, f, s)) == -(-n // s)
