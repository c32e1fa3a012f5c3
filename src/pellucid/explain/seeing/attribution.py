"""How much each part of an input has to do with what a network says of it: saliency, occlusion, integrated gradients.

Shape letters: B samples of a batch, K outputs, S steps of a sum; inputs are (B, ...).
"""

import itertools
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from pellucid.chart import Axis, Bar, Bars, Tile, Tiles
from pellucid.errors import DataError, OptionError
from pellucid.explain.landscape.objective import evaluating
from pellucid.networks import main_output

Chosen: TypeAlias = int | Tensor | None
"""Which output is explained: one for all samples, one for each, or of each the greatest."""

InPieces: TypeAlias = "Generator[float, None, Attribution]"
"""An attribution that is computed while it is iterated over: it gives the share that is done, and ends in the whole."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """What the parts of a batch of inputs have to do with an output f.

    Attributes:
        method: "saliency", "occlusion" or "integrated gradients".
        values: in the inputs' shape; positive where a part speaks for the output.
        outputs: f(x), (B,).
        chosen: which of the network's outputs f is, int64 (B,).
        error: of integrated gradients Σ values - (f(x) - f(baseline)), (B,), which is 0 but for the sum's steps; else
            None.
    """

    method: str
    values: Tensor
    outputs: Tensor
    chosen: Tensor
    error: Tensor | None = None


def saliency(network: nn.Module, inputs: Tensor, chosen: Chosen = None) -> Attribution:
    """Return ∂f/∂x: how fast the output changes with each number of the input.

    Args:
        network: any that gives (B, K) or (B,); run in evaluation mode, and left as it is.
        inputs: prepared ones, float (B, ...).
        chosen: the output f; by default the greatest of each sample.

    Raises:
        DataError: inputs that are no numbers, or outputs that are not K numbers a sample.
        OptionError: there is no such output.

    Source: Simonyan, Vedaldi and Zisserman 2014, Deep inside convolutional networks, section 3; the picture shown there
    is `saliency_map`.
    """
    _require_numbers(inputs)
    with evaluating(network):
        given = inputs.detach().requires_grad_()
        outputs_BK = _outputs(network, given)
        chosen_B = _chosen(outputs_BK, chosen)
        outputs_B = outputs_BK.gather(1, chosen_B[:, None])[:, 0]
        (slopes,) = torch.autograd.grad(outputs_B.sum(), given)  # samples do not mix: the sum's gradient is each one's
    return Attribution("saliency", slopes, outputs_B.detach(), chosen_B)


def saliency_map(found: Attribution) -> Tensor:
    """Return max over channels of |value|, (B, H, W) of images (B, C, H, W): Simonyan et al.'s picture."""
    return found.values.abs().amax(1)


def integrated_gradients(
    network: nn.Module, inputs: Tensor, chosen: Chosen = None, *, baseline: Tensor | float = 0.0, steps: int = 64
) -> Attribution:
    """Return (x - x') ∘ ∫₀¹ ∂f/∂x (x' + a (x - x')) da, whose parts sum to f(x) - f(x').

    The integral is summed at Gauss and Legendre's places, exactly for slopes that are polynomials of a up to degree
    2 steps - 1; how far the parts are from their sum is told as `error`.

    Args:
        network: any that gives (B, K) or (B,); run in evaluation mode, and left as it is.
        inputs: x, prepared, float (B, ...).
        chosen: the output f; by default the greatest at x of each sample.
        baseline: x', what says nothing; a number, one input, or one for each. 0 is the mean of standardised inputs.
        steps: gradients computed of each sample.

    Raises:
        DataError: inputs that are no numbers, or outputs that are not K numbers a sample.
        OptionError: there is no such output.

    Source: Sundararajan, Taly and Yan 2017, Axiomatic attribution for deep networks, sections 3 and 5.
    """
    return _whole(integrating(network, inputs, chosen, baseline=baseline, steps=steps))


def integrating(
    network: nn.Module, inputs: Tensor, chosen: Chosen = None, *, baseline: Tensor | float = 0.0, steps: int = 64
) -> InPieces:
    """Compute `integrated_gradients` in pieces, one of its gradients each."""
    _require_numbers(inputs)
    start = torch.as_tensor(baseline).to(inputs).expand_as(inputs)
    with torch.no_grad(), evaluating(network):
        outputs_BK, at_start_BK = _outputs(network, inputs), _outputs(network, start)
    chosen_B = _chosen(outputs_BK, chosen)
    outputs_B, at_start_B = (each.gather(1, chosen_B[:, None])[:, 0] for each in (outputs_BK, at_start_BK))
    places_S, weights_S = np.polynomial.legendre.leggauss(steps)
    mean_slopes = torch.zeros_like(inputs)
    for done, (place, weight) in enumerate(zip((places_S + 1) / 2, weights_S / 2, strict=True)):
        yield done / steps
        mean_slopes += float(weight) * saliency(network, torch.lerp(start, inputs, float(place)), chosen_B).values
    values = (inputs - start) * mean_slopes
    error_B = values.flatten(1).sum(1) - (outputs_B - at_start_B)
    return Attribution("integrated gradients", values, outputs_B, chosen_B, error_B)


def occlusion(
    network: nn.Module,
    inputs: Tensor,
    chosen: Chosen = None,
    *,
    patch: Sequence[int],
    stride: Sequence[int] | None = None,
    fill: float = 0.0,
) -> Attribution:
    """Return how far the output falls where a patch of the input is covered: the mean over all patches that cover it.

    Args:
        network: any that gives (B, K) or (B,); run in evaluation mode, and left as it is.
        inputs: prepared ones, (B, ...).
        chosen: the output f; by default the greatest of each sample with nothing covered.
        patch: its size along the input's last dimensions; what stands before them is covered as a whole. `(4, 4)`
            covers all channels of an image (B, C, H, W), `(1,)` a feature of (B, F), `(2, F)` two steps of (B, T, F).
        stride: from one patch to the next, of the same length; by default the patch's size. The last patch ends where
            the input does, so that all of it is covered.
        fill: what the patch is covered with; 0 is the mean of standardised inputs.

    Raises:
        DataError: outputs that are not K numbers a sample.
        OptionError: a patch or a stride that does not fit, or there is no such output.

    Source: Zeiler and Fergus 2014, Visualizing and understanding convolutional networks, section 4.2.
    """
    return _whole(occluding(network, inputs, chosen, patch=patch, stride=stride, fill=fill))


@torch.no_grad()
def occluding(
    network: nn.Module,
    inputs: Tensor,
    chosen: Chosen = None,
    *,
    patch: Sequence[int],
    stride: Sequence[int] | None = None,
    fill: float = 0.0,
) -> InPieces:
    """Compute `occlusion` in pieces, one of its patches each."""
    strides = tuple(patch) if stride is None else tuple(stride)
    _require_patch(inputs, patch, strides)
    sizes = inputs.shape[-len(patch) :]
    corners = list(itertools.product(*(_starts(*each) for each in zip(sizes, patch, strides, strict=True))))
    with evaluating(network):
        outputs_BK = _outputs(network, inputs)
    chosen_B = _chosen(outputs_BK, chosen)
    outputs_B = outputs_BK.gather(1, chosen_B[:, None])[:, 0]
    drops, counts = outputs_B.new_zeros(len(inputs), *sizes), outputs_B.new_zeros(sizes)
    for done, corner in enumerate(corners):
        yield done / len(corners)
        window: tuple[slice | EllipsisType, ...] = (
            ...,
            *(slice(start, start + size) for start, size in zip(corner, patch, strict=True)),
        )
        covered = inputs.clone()
        covered[window] = fill
        with evaluating(network):
            drop_B = outputs_B - _outputs(network, covered).gather(1, chosen_B[:, None])[:, 0]
        drops[window] += drop_B.view(-1, *[1] * len(patch))
        counts[window] += 1
    whole = (drops / counts).view(len(inputs), *[1] * (inputs.ndim - 1 - len(patch)), *sizes)
    return Attribution("occlusion", whole.expand_as(inputs), outputs_B, chosen_B)


def attribution_tiles(found: Attribution, captions: Sequence[str], title: str = "What speaks for the answer") -> Tiles:
    """Return maps of a batch of images as pictures, blue where a place speaks for the output and orange where against.

    Channels are summed; of occlusion, which covers all at once, each channel says the same and their mean is shown.
    """
    maps = found.values.mean(1) if found.method == "occlusion" else found.values.sum(1)
    return Tiles(
        title=title,
        detail=f"{found.method}; blue speaks for the answer, orange against it",
        says=f"{found.method.capitalize()} of {len(maps)} inputs; at most {float(maps.abs().max()):.3g} at one place.",
        tiles=[Tile(caption=caption, values=one.tolist()) for caption, one in zip(captions, maps, strict=True)],
        columns=min(6, len(maps)),
        signed=True,
        together=False,
    )


def attribution_bars(
    found: Attribution, features: Sequence[str], title: str = "What the answers rest on", most: int = 12
) -> Bars:
    """Return the features (B, F) with the largest mean |value|, a dot for each sample."""
    sizes = found.values.abs()
    order = sizes.mean(0).argsort(descending=True, stable=True)[:most].tolist()
    first = order[0]
    return Bars(
        title=title,
        detail=f"{found.method} without sign, mean over {len(sizes)} samples",
        says=f"Most rests on {features[first]}: {float(sizes[:, first].mean()):.3g} in the mean.",
        axis=Axis("size of the attribution"),
        bars=[Bar(label=features[place], runs=sizes[:, place].tolist()) for place in order],
    )


def _whole(pieces: InPieces) -> Attribution:
    """Return what a computation in pieces ends in."""
    while True:
        try:
            next(pieces)
        except StopIteration as ended:
            found: Attribution = ended.value
            return found


def _outputs(network: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    """Return a network's outputs, (B, K).

    Raises:
        DataError: they are of another shape.
    """
    outputs = main_output(network(inputs))
    if outputs.ndim == 1:
        outputs = outputs[:, None]
    if outputs.ndim != 2:
        raise DataError(
            "of this network no single output can be explained",
            expected="K numbers for each sample",
            received=f"outputs of shape {tuple(outputs.shape)}",
            advice="give a module that picks the place or the step of interest from its outputs",
        )
    return outputs


def _chosen(outputs_BK: Tensor, chosen: Chosen) -> Tensor:
    if chosen is None:
        return outputs_BK.detach().argmax(1)
    chosen_B = torch.as_tensor(chosen, device=outputs_BK.device).expand(len(outputs_BK))
    low, high = (int(each) for each in chosen_B.aminmax())
    if low < 0 or high >= outputs_BK.shape[1]:
        raise OptionError(
            "there is no such output",
            expected=f"a number from 0 to {outputs_BK.shape[1] - 1}",
            received=str(low if low < 0 else high),
        )
    return chosen_B


def _require_numbers(inputs: Tensor) -> None:
    if not inputs.is_floating_point():
        raise DataError(
            "these inputs have no gradient",
            expected="floating-point numbers",
            received=str(inputs.dtype),
            advice="use occlusion, which needs none",
        )


def _require_patch(inputs: Tensor, patch: Sequence[int], strides: Sequence[int]) -> None:
    sizes = inputs.shape[1:]
    fits = 0 < len(patch) <= len(sizes) and len(patch) == len(strides)
    fits = fits and all(0 < own <= size for own, size in zip(reversed(patch), reversed(sizes), strict=False))
    if not fits or min(strides) < 1:
        raise OptionError(
            "this patch does not fit the inputs",
            expected=f"sizes and strides from 1, along the last of the dimensions {tuple(sizes)}",
            received=f"a patch {tuple(patch)} at a stride of {tuple(strides)}",
        )


def _starts(size: int, patch: int, stride: int) -> list[int]:
    """Return where patches begin along a dimension, the last one at its end."""
    starts = list(range(0, size - patch + 1, stride))
    return starts if starts[-1] == size - patch else [*starts, size - patch]
