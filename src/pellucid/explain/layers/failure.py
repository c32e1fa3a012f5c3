"""A forward pass that fails: at which layer, what came there, what it wanted, and what to do."""

import math
from dataclasses import dataclass

import torch
from torch import nn

from pellucid.explain.layers.calls import Call, Recording


@dataclass(frozen=True, slots=True)
class Failure:
    """Where and why a forward pass ended.

    Attributes:
        name: the layer, or the block in whose own lines it happened; empty for the network itself.
        kind: its class.
        received: the shapes that came.
        wanted: the shape it takes, in words; empty where that is not known.
        words: torch's own.
        advice: what to do.
    """

    name: str
    kind: str
    received: tuple[tuple[int, ...], ...]
    wanted: str
    words: str
    advice: str

    def __str__(self) -> str:
        came = ", ".join(map(str, self.received)) or "no tensor"
        lines = [f"the forward pass fails in {self.name or 'the network'} ({self.kind})", f"  received: {came}"]
        lines += [f"  wanted: {self.wanted}"] if self.wanted else []
        return "\n".join([*lines, f"  torch says: {self.words}", f"  advice: {self.advice}"])


def failure_of(recording: Recording) -> Failure | None:
    """Return where a forward pass ended and why, or None where it did not."""
    error, call = recording.error, recording.unfinished
    if error is None:
        return None
    words = " ".join(str(error).split()) or type(error).__name__
    if call is None:  # the arguments themselves did not fit
        name = type(recording.model).__name__
        return Failure("", name, (), "", words, "give the arguments that forward() takes")
    wanted = "" if call.inside else _wanted(call.module)
    return Failure(call.name, call.kind, call.received, wanted, words, _advice(recording, call, words))


def _wanted(module: nn.Module) -> str:
    match module:
        case nn.Linear():
            return f"(..., {module.in_features})"
        case nn.modules.conv._ConvNd():  # noqa: SLF001 (torch has no public name for the kind)
            return f"(N, {module.in_channels}, {_places(len(module.kernel_size))})"
        case nn.modules.batchnorm._NormBase():  # noqa: SLF001 (see above)
            return f"(N, {module.num_features}, ...)"
        case nn.GroupNorm():
            return f"(N, {module.num_channels}, ...)"
        case nn.LayerNorm():
            return f"(..., {', '.join(map(str, module.normalized_shape))})"
        case nn.RNNBase():
            return f"({'N, T' if module.batch_first else 'T, N'}, {module.input_size})"
        case nn.MultiheadAttention():
            return f"({'N, T' if module.batch_first else 'T, N'}, {module.embed_dim})"
        case nn.Embedding():
            return f"whole numbers from 0 to {module.num_embeddings - 1}"
    return ""


def _places(axes: int) -> str:
    return {1: "T", 2: "H, W", 3: "D, H, W"}[axes]


def _advice(recording: Recording, call: Call, words: str) -> str:
    lower = words.lower()
    if call.inside or (not _wanted(call.module) and list(call.module.children())):
        return _advice_of_block(recording, call)
    if isinstance(call.module, nn.Embedding):
        return _advice_of_embedding(call, lower)
    if "dtype" in lower or "scalar type" in lower or "same type" in lower or "should be the same" in lower:
        own = next((each.dtype for each in call.module.parameters()), torch.float32)
        came = ", ".join(str(kind).removeprefix("torch.") for kind in call.kinds)
        return f"the input is {came}, the weights are {str(own).removeprefix('torch.')}: x.to({own})"
    if "kernel size" in lower or "output size is too small" in lower or "non-zero size" in lower:
        return "what comes is smaller than the window: a larger input, padding, or fewer layers that shrink it"
    shape = call.received[0] if call.received else ()
    return _advice_on_shape(call.module, shape) or "compare the shape that came with what the layer before gives"


def _advice_on_shape(module: nn.Module, shape: tuple[int, ...]) -> str:
    match module:
        case nn.Linear() if shape and shape[-1] != module.in_features:
            flat = math.prod(shape[1:])
            if len(shape) > 2 and flat == module.in_features:
                return "flatten first: nn.Flatten() before it"
            if len(shape) > 3:
                return f"flatten first, nn.Flatten() before it, and make it nn.Linear({flat}, {module.out_features})"
            return f"make it nn.Linear({shape[-1]}, {module.out_features}), or change what comes"
        case nn.modules.conv._ConvNd():  # noqa: SLF001 (torch has no public name for the kind)
            return _advice_on_channels(module.in_channels, len(module.kernel_size), shape)
        case nn.modules.batchnorm._NormBase() if len(shape) > 1:  # noqa: SLF001 (see above)
            return f"make its number of features {shape[1]}, or change what comes"
        case nn.LayerNorm() if shape:
            return f"its shape is that of the last dimensions, here {shape[-len(module.normalized_shape) :]}"
        case nn.RNNBase() if shape:
            return f"make its input size {shape[-1]}, or change what comes"
    return ""


def _advice_on_channels(channels: int, axes: int, shape: tuple[int, ...]) -> str:
    if len(shape) == axes + 1 and channels == 1:
        return "the channel is missing: x.unsqueeze(1)"
    if len(shape) != axes + 2:
        return f"it takes {axes + 2} dimensions and {len(shape)} came"
    if shape[-1] == channels:
        return "the channels come last, torch wants them behind the batch: x.movedim(-1, 1)"
    return f"make it in_channels={shape[1]}, or change what comes"


def _advice_of_embedding(call: Call, words: str) -> str:
    if call.kinds and call.kinds[0].is_floating_point:
        return "ids are whole numbers: x.long()"
    return "an id is not in the table: make num_embeddings larger than the largest id" if "range" in words else ""


def _advice_of_block(recording: Recording, call: Call) -> str:
    """Say what the layers gave that a block's own lines then put together."""
    prefix = f"{call.name}." if call.name else ""
    given = [
        f"{each.name.removeprefix(prefix)} gave {each.given[0]}"
        for each in recording.calls
        if each.name.startswith(prefix) and each.name != call.name and each.given
        and "." not in each.name.removeprefix(prefix)
    ]  # fmt: skip
    if not given:
        return "it happens in its own forward, before a layer in it is called: compare its input with what it wants"
    return f"it happens in its own forward, between layers; the last of them: {'; '.join(given[-3:])}"
