"""Networks narrower or wider than their papers': the same layers, each with its share of the maps and units."""


def in_proportion(count: int, width: int, usual: int, groups: int = 1) -> int:
    """Return so many maps or units, of a network whose first layer has `usual` maps, where it has `width`.

    Args:
        count: maps or units of the paper's layer.
        width: maps of the first layer.
        usual: those of the paper's.
        groups: what the result is a multiple of.
    """
    return max(1, round(count * width / (usual * groups))) * groups
