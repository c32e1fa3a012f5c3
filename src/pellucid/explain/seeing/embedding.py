"""Samples as a layer sees them, in the plane: how near they lie in its many dimensions, as far as two can tell.

Shape letters: N samples, F features of the layer.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from torch import Tensor, nn

from pellucid.chart import Axis, Chart, Line
from pellucid.data import Classes, Dataset, SplitName
from pellucid.errors import DataError
from pellucid.explain.layers.activations import activations_over
from pellucid.judging.wording import percent

Method = Literal["pca", "t-sne"]
_MOST_LINES = 6


@dataclass(frozen=True, slots=True)
class Embedding:
    """Samples in the plane.

    Attributes:
        layer: whose outputs; None for the inputs themselves.
        method: how they came into the plane.
        places: float32 (N, 2).
        rows: of the data, int64 (N,).
        labels: their classes, int64 (N,); None where the target is none.
        names: of the classes.
        explained: the share of the layer's variance along each axis; None of t-SNE, whose distances have no scale.
    """

    layer: str | None
    method: Method
    places: Tensor
    rows: Tensor
    labels: Tensor | None
    names: tuple[str, ...]
    explained: tuple[float, float] | None


def features_of(network: nn.Module, data: Dataset, rows: Tensor, layer: str | None = None) -> NDArray[np.float32]:
    """Return what a layer gives for some rows, or the prepared inputs, float32 (N, F).

    Raises:
        OptionError: there is no such layer, or it is not used.
    """
    if layer is None:
        return data.batch(rows)[0].flatten(1).float().numpy()
    parts = [given.flatten(1).float().cpu() for _, given in activations_over(network, data, layer, rows)]
    return torch.cat(parts).numpy()


def embed(
    network: nn.Module,
    data: Dataset,
    layer: str | None = None,
    *,
    split: SplitName = "test",
    method: Method = "pca",
    perplexity: float = 30.0,
    seed: int = 0,
) -> Embedding:
    """Return a split's samples in the plane, by what a layer gives for them.

    Args:
        network: any that takes the data's prepared inputs.
        data: holds the samples.
        layer: its name; None for the prepared inputs themselves, as a comparison.
        split: which rows.
        method: "pca", the two directions of the greatest variance; "t-sne", which keeps neighbours together, and says
            nothing of distances between groups.
        perplexity: of t-SNE, about how many neighbours count; at most a third of the samples.
        seed: of t-SNE, and of PCA where it samples.

    Raises:
        OptionError: there is no such layer, or it is not used.
        DataError: fewer than three samples, or a layer that gives one number.

    Sources: Pearson 1901, On lines and planes of closest fit; van der Maaten and Hinton 2008, Visualizing data using
    t-SNE.
    """
    rows = data.rows[split]
    features_NF = features_of(network, data, rows, layer)
    if min(features_NF.shape) < 2 or len(rows) < 3:
        raise DataError(
            "these samples do not span a plane",
            expected="three samples or more, of two features or more",
            received=f"{len(rows)} samples of {features_NF.shape[1]} features",
        )
    explained = None
    if method == "pca":
        fitted = PCA(2, random_state=seed)
        places_N2 = fitted.fit_transform(features_NF)
        explained = (float(fitted.explained_variance_ratio_[0]), float(fitted.explained_variance_ratio_[1]))
    else:
        neighbours = min(perplexity, (len(rows) - 1) / 3)
        places_N2 = TSNE(2, perplexity=neighbours, random_state=seed, init="pca").fit_transform(features_NF)
    known = isinstance(data.target, Classes)
    return Embedding(
        layer=layer,
        method=method,
        places=torch.from_numpy(np.ascontiguousarray(places_N2, dtype=np.float32)),
        rows=rows,
        labels=data.targets[rows] if known else None,
        names=data.target.names if isinstance(data.target, Classes) else (),
        explained=explained,
    )


def embedding_chart(found: Embedding, title: str = "The samples as a layer sees them") -> Chart:
    """Return an embedding as a figure; of more than six classes those after the fifth share a colour."""
    where = "the inputs" if found.layer is None else f"layer {found.layer}"
    if found.explained is None:
        says = f"{len(found.rows)} samples by {where}, brought into the plane by t-SNE."
        axes = ("first axis of t-SNE", "second axis of t-SNE")
    else:
        first, second = found.explained
        says = f"The plane tells {percent(first + second)} of the variance of {where} over {len(found.rows)} samples."
        axes = (f"first component, {percent(first)}", f"second component, {percent(second)}")
    return Chart(
        title=title,
        detail=f"each dot is a sample, by {where}",
        says=says,
        x=Axis(axes[0]),
        y=Axis(axes[1]),
        lines=[_dots(label, found.places[chosen]) for label, chosen in _groups(found) if chosen.any()],
    )


def _groups(found: Embedding) -> list[tuple[str, Tensor]]:
    if found.labels is None:
        return [("samples", torch.ones(len(found.rows), dtype=torch.bool))]
    shown = len(found.names) if len(found.names) <= _MOST_LINES else _MOST_LINES - 1
    groups = [(found.names[label], found.labels == label) for label in range(shown)]
    return groups if shown == len(found.names) else [*groups, ("other classes", found.labels >= shown)]


def _dots(label: str, places_N2: Tensor) -> Line:
    return Line(label=label, x=places_N2[:, 0].tolist(), runs=[places_N2[:, 1].tolist()], style="dots")
