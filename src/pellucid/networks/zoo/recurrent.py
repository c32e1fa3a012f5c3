"""Recurrent networks that read a sequence, or a text, and answer once (many-to-one) or at every step (many-to-many)."""

from functools import partial
from typing import Literal

from pellucid.networks.zoo.entry import Arrows, Entry
from pellucid.shapes import Features, Image, Sequence, Tokens


def write(  # noqa: PLR0913 - each is an argument of the zoo name
    cell: str,
    input: Sequence | Tokens,
    units: int = 128,
    *,
    classes: int,
    layers: int = 1,
    bidirectional: bool = False,
    embed: int = 64,
    dropout: float = 0.0,
    every_step: bool = False,
    from_last: bool = False,
) -> Arrows:
    """Write an embedding (of tokens), recurrent layers, the last step unless every one is asked for, and the outputs.

    Args:
        cell: rnn, gru or lstm.
        input: the sequences.
        units: size of the hidden state.
        classes: the outputs, of the whole or of every step.
        layers: recurrent layers on top of each other.
        bidirectional: whether a second layer reads backwards.
        embed: numbers a token becomes.
        dropout: share of the hidden state dropped before the last layer.
        every_step: whether there is an output at every step, as for the next token of a text.
        from_last: whether the outputs are changes from the last step of the input, as for a forecast.
    """
    # texts that are judged as wholes differ in length; one that is gone on with has no padding
    padded = isinstance(input, Tokens) and not every_step
    packed = ", padded=yes" * padded
    options = f", layers={layers}" * (layers != 1) + ", bidirectional=yes" * bidirectional + packed
    steps = [f"embed({embed}{packed})"] * isinstance(input, Tokens) + [f"{cell}({units}{options})"]
    if not every_step:
        steps.append(("ends" + "(padded=yes)" * padded) if bidirectional else "last")
    classifier = [f"dropout({dropout})"] * bool(dropout) + [f"fc({classes})"]
    if from_last:
        return Arrows({"forecast": f"fromlast({' -> '.join([*steps, *classifier])})"})
    return Arrows({"features": " -> ".join(steps), "classifier": " -> ".join(classifier)})


def write_seq2seq(
    input: Features | Image | Sequence,
    units: int = 64,
    *,
    classes: int,
    cell: Literal["rnn", "gru", "lstm"] = "gru",
    from_last: bool = False,
) -> Arrows:
    """Write an encoder, its one row repeated for each step to come, a recurrent decoder, and a number at each step.

    Args:
        input: a sequence, which a recurrent layer reads, or a row or an image, from which there is one to many.
        units: size of the hidden state of both.
        classes: steps of the sequence that is written.
        cell: what both are made of.
        from_last: whether the outputs are changes from the last step of the input, as for a forecast.
    """
    encoder = [f"{cell}({units})", "last"] if isinstance(input, Sequence) else [f"fc({units})", "tanh"]
    decoder = [f"repeatvector({classes})", f"{cell}({units})", "fc(1)", "flatten"]
    if from_last:
        return Arrows({"forecast": f"fromlast({' -> '.join([*encoder, *decoder])})"})
    return Arrows({"encoder": " -> ".join(encoder), "decoder": " -> ".join(decoder)})


def _entry(cell: str, title: str, reference: str) -> Entry:
    return Entry(cell, title, reference, partial(write, cell), (Sequence, Tokens), None, 1)


ENTRIES = (
    _entry("rnn", "plain recurrent network", "Elman, Finding structure in time, Cognitive Science 14, 1990"),
    _entry(
        "gru",
        "gated recurrent units",
        "Cho et al., Learning phrase representations using RNN encoder-decoder, EMNLP 2014",
    ),
    _entry("lstm", "long short-term memory", "Hochreiter and Schmidhuber, Long short-term memory, 1997"),
    Entry(
        "seq2seq",
        "a sequence (or a row) to a sequence: an encoder's last state, repeated, and a decoder that writes",
        "Cho et al., Learning phrase representations using RNN encoder-decoder, EMNLP 2014;"
        " Sutskever et al., Sequence to sequence learning with neural networks, NeurIPS 2014",
        write_seq2seq,
        (Sequence, Features, Image),
        None,
        12,
    ),
)
