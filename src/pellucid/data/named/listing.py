"""Every data set with a name."""

from collections.abc import Mapping

from pellucid.data.named.archives import ARCHIVES
from pellucid.data.named.builtin import BUILTINS
from pellucid.data.named.catalogue import Entry


def catalogue() -> Mapping[str, Entry]:
    """Return every named data set: those that come along, then those that are downloaded once.

    >>> catalogue()["iris"].summary
    '150 irises, 4 lengths, 3 species'
    """
    return {**BUILTINS, **ARCHIVES}
