"""What is searched for where nobody says what: the most important first, as many as the trials can tell apart.

The order is that of Ng's course "Improving deep neural networks" (2017): the learning rate before all; then momentum,
the size of a batch and the number of hidden units; then the number of layers, and what keeps the network from learning
the training rows by heart.
"""

from collections.abc import Collection

from pellucid.data.dataset import Dataset, Itself, Masks
from pellucid.recipe import Recipe
from pellucid.shapes import Features, Image, Sequence, Tokens
from pellucid.training.defaults import default_network, fill_in
from pellucid.training.tasks import task_for
from pellucid.tuning.space import Space

FEW, SOME = 8, 24
"""With fewer trials only the learning rate is searched; with fewer than these the first two ranks of the order."""
_TENFOLD = 10.0
_WITH_MOMENTUM = frozenset({"momentum", "nesterov", "adam", "adamw"})
_MOMENTA = "{0.8, 0.9, 0.95, 0.98}"  # evenly far apart on the scale of 1 - momentum, nearly


def usual_space(data: Dataset, network: str | None, recipe: Recipe, trials: int, given: Collection[str] = ()) -> Space:
    """Return the space to search where none is given.

    Args:
        data: to be learned.
        network: arrows or a zoo name, which is then searched with as it is; None where it is open.
        recipe: what is the same for all trials.
        trials: how many there are to be.
        given: options that are not to be searched for.

    Raises:
        NotationError: all that would be searched for is given.
    """
    usual, ranks = fill_in(recipe, data), 1 + (trials >= FEW) + (trials >= SOME)
    assert usual.learning_rate is not None
    assert usual.batch_size is not None
    low, high = usual.learning_rate / _TENFOLD, usual.learning_rate * _TENFOLD
    texts = {"learning_rate": f"{{{low:.3g}..{high:.3g} log}}"}
    if ranks > 1:
        size = usual.batch_size
        texts |= {"momentum": _MOMENTA} if recipe.optimizer in _WITH_MOMENTUM else {}
        texts["batch_size"] = f"{{{max(1, size // 2)}, {size}, {2 * size}}}"
        open_network = None if network is not None else _open_network(data, recipe, deep=ranks > 2)
        texts |= {"network": open_network} if open_network else {}
    if ranks > 2:
        texts["weight_decay"] = "{1e-4..0.3 log}"
    return Space.of({name: text for name, text in texts.items() if name not in given})


def _open_network(data: Dataset, recipe: Recipe, *, deep: bool) -> str | None:
    """Return the arrows of the network that suits the data with its sizes in braces; None where they are fixed."""
    if isinstance(data.target, Itself | Masks):
        return None
    dropout = ", dropout={dropout: 0..0.5}" if deep else ""
    match data.input_shape:
        case Features() as given:
            answer = task_for(data, fill_in(recipe, data)).answer
            assert isinstance(answer, Features)
            hidden = "fc({units: 32, 64, 128, 256}) -> relu"
            if deep:
                hidden = f"{{layers: 1..3}} * ({hidden} -> dropout({{dropout: 0..0.5}}))"
            return f"{given} -> {hidden} -> fc({answer.count})"
        case Image():
            return (
                "cnn(width={width: 8, 16, 32}" + (", convolutions={convolutions: 1..2}" if deep else "") + dropout + ")"
            )
        case Sequence() | Tokens():
            name, _, options = default_network(data).partition("(")
            inside = "{units: 32, 64, 128}" + (", layers={layers: 1..2}" if deep else "")
            kept = [each.strip() for each in options.rstrip(")").split(",") if "=" in each and "dropout" not in each]
            return f"{name}({', '.join([inside, *kept])}{dropout})"
