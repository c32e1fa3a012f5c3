"""Predictions as terminal text."""

from collections.abc import Sequence
from itertools import islice

from pellucid.judging.wording import percent
from pellucid.record import Prediction


def prediction_lines(predictions: Sequence[Prediction], top: int = 1) -> str:
    """Return a line a prediction: the input's name, then the class it is, the likeliest others, or the values."""
    width = max((len(prediction.name) for prediction in predictions), default=0)
    return "\n".join(f"{prediction.name:<{width}}  {_said(prediction, top)}" for prediction in predictions)


def _said(prediction: Prediction, top: int) -> str:
    if prediction.tasks:
        return "; ".join(f"{name}: {_said(part, top)}" for name, part in prediction.tasks.items())
    if prediction.labels is not None:
        likeliest = islice(prediction.probabilities.items(), max(top, len(prediction.labels)))
        said = ", ".join(f"{label} {percent(probability)}" for label, probability in likeliest)
        return said if prediction.labels else f"none ({said})"
    if prediction.label is None:
        words = [f"{name} {word}" for name, word in prediction.words.items()]
        return ", ".join([*words, *(f"{name} {value:.6g}" for name, value in prediction.values.items())])
    # what is said comes first, even where a threshold made it the less likely class
    ranked = {prediction.label: prediction.probabilities[prediction.label]} | dict(prediction.probabilities)
    likeliest = islice(ranked.items(), top)
    return ", ".join(f"{label} {percent(probability)}" for label, probability in likeliest)
