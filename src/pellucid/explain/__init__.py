"""What a network computes and why, of any `nn.Module`."""

from pellucid.explain.attribution import (
    Attribution,
    attribution_bars,
    attribution_tiles,
    integrated_gradients,
    occlusion,
    saliency,
)
from pellucid.explain.curvature import Curvature, curvature, curvature_at, curvature_chart
from pellucid.explain.decision import DecisionSurface, decision_chart, decision_surface
from pellucid.explain.derivation import backprop
from pellucid.explain.directions import Track, filter_normalised, principal, track
from pellucid.explain.embedding import Embedding, embed, embedding_chart
from pellucid.explain.features import (
    Activating,
    FeatureMaps,
    Kernels,
    activating_samples,
    activating_tiles,
    feature_map_tiles,
    feature_maps,
    kernel_tiles,
    kernels,
)
from pellucid.explain.gates import Gates, TextGates, gates, gates_chart, gates_over_text, gates_tiles
from pellucid.explain.label_errors import LabelErrors, find_label_errors, label_error_bars
from pellucid.explain.loss_surface import (
    LossSlice,
    LossSurface,
    loss_surface,
    slice_along,
    slice_between,
    slice_chart,
    surface_chart,
)
from pellucid.explain.mistakes import MistakeGroup, MistakeGroups, Spread, group_mistakes, mistake_bars, spread_of
from pellucid.explain.objective import Objective
from pellucid.explain.out_of_sample import OutOfSample, out_of_sample_probabilities
from pellucid.explain.receptive_field import MeasuredField, field_tiles, measured_field

__all__ = [
    "Activating",
    "Attribution",
    "Curvature",
    "DecisionSurface",
    "Embedding",
    "FeatureMaps",
    "Gates",
    "Kernels",
    "LabelErrors",
    "LossSlice",
    "LossSurface",
    "MeasuredField",
    "MistakeGroup",
    "MistakeGroups",
    "Objective",
    "OutOfSample",
    "Spread",
    "TextGates",
    "Track",
    "activating_samples",
    "activating_tiles",
    "attribution_bars",
    "attribution_tiles",
    "backprop",
    "curvature",
    "curvature_at",
    "curvature_chart",
    "decision_chart",
    "decision_surface",
    "embed",
    "embedding_chart",
    "feature_map_tiles",
    "feature_maps",
    "field_tiles",
    "filter_normalised",
    "find_label_errors",
    "gates",
    "gates_chart",
    "gates_over_text",
    "gates_tiles",
    "group_mistakes",
    "integrated_gradients",
    "kernel_tiles",
    "kernels",
    "label_error_bars",
    "loss_surface",
    "measured_field",
    "mistake_bars",
    "occlusion",
    "out_of_sample_probabilities",
    "principal",
    "saliency",
    "slice_along",
    "slice_between",
    "slice_chart",
    "spread_of",
    "surface_chart",
    "track",
]
