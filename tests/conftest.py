"""What holds for every test: one thread, no window, a cache folder of its own, no deadlines."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# set before torch is first imported: on networks this small, threads only wait for one another
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

# a busy machine must not fail a property, nor may a rare find fail a change that has no part in it: every run draws the
# same examples; `pytest --hypothesis-profile explore` draws new ones
settings.register_profile("pellucid", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile("pellucid")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep decoded images and downloads out of the user's cache folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PELLUCID_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
