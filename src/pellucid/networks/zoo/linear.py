"""Networks without a hidden layer: linear, logistic and softmax regression."""

from pellucid.networks.zoo.entry import Arrows, Entry
from pellucid.shapes import Features, Image, Sequence, Shape


def write(input: Shape, *, classes: int) -> Arrows:
    """Write one fully connected layer; its outputs are values, or the logits of classes."""
    flatten = {"features": "flatten"} if isinstance(input, Sequence) else {}
    return Arrows({**flatten, "classifier": f"fc({classes})"})


_INPUTS = (Features, Image, Sequence)

ENTRIES = (
    Entry(
        "linear",
        "linear regression: y = W x + b",
        "Legendre, Nouvelles méthodes pour la détermination des orbites des comètes, 1805",
        write,
        _INPUTS,
        None,
        1,
    ),
    Entry(
        "logistic",
        "logistic regression: the log-odds of a class are W x + b",
        "Cox, The regression analysis of binary sequences, 1958",
        write,
        _INPUTS,
        None,
        1,
    ),
    Entry(
        "softmax",
        "softmax (multinomial logistic) regression: the logits of the classes are W x + b",
        "Cox, Some procedures connected with the logistic qualitative response curve, 1966",
        write,
        _INPUTS,
        None,
        10,
    ),
)
