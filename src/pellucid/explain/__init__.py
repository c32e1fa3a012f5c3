"""What a network computes and why, of any `nn.Module`."""

from pellucid.explain.derivation import Derivation, as_latex, as_text, backprop
from pellucid.explain.error_analysis.label_errors import LabelErrors, find_label_errors, label_error_bars
from pellucid.explain.error_analysis.mistakes import (
    MistakeGroup,
    MistakeGroups,
    Spread,
    group_mistakes,
    mistake_bars,
    spread_of,
)
from pellucid.explain.error_analysis.out_of_sample import OutOfSample, out_of_sample_probabilities
from pellucid.explain.gradients.gradient_check import GradientCheck, check_gradients
from pellucid.explain.graphs.graph import computation_graph
from pellucid.explain.graphs.nodes import Graph
from pellucid.explain.landscape.curvature import Curvature, curvature, curvature_at, curvature_chart
from pellucid.explain.landscape.directions import Track, filter_normalised, principal, track
from pellucid.explain.landscape.loss_surface import (
    LossSlice,
    LossSurface,
    loss_surface,
    slice_along,
    slice_between,
    slice_chart,
    surface_chart,
)
from pellucid.explain.landscape.objective import Objective
from pellucid.explain.landscape.path import TrainingPath, training_path
from pellucid.explain.layers.anatomy import Anatomy, network
from pellucid.explain.layers.failure import Failure
from pellucid.explain.layers.field import ReceptiveField, field_figure, receptive_field
from pellucid.explain.seeing.attribution import (
    Attribution,
    attribution_bars,
    attribution_tiles,
    integrated_gradients,
    occlusion,
    saliency,
)
from pellucid.explain.seeing.decision import DecisionSurface, decision_chart, decision_surface
from pellucid.explain.seeing.embedding import Embedding, embed, embedding_chart
from pellucid.explain.seeing.features import (
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
from pellucid.explain.seeing.gates import Gates, TextGates, gates, gates_chart, gates_over_text, gates_tiles

__all__ = [
    "Activating",
    "Anatomy",
    "Attribution",
    "Curvature",
    "DecisionSurface",
    "Derivation",
    "Embedding",
    "Failure",
    "FeatureMaps",
    "Gates",
    "GradientCheck",
    "Graph",
    "Kernels",
    "LabelErrors",
    "LossSlice",
    "LossSurface",
    "MistakeGroup",
    "MistakeGroups",
    "Objective",
    "OutOfSample",
    "ReceptiveField",
    "Spread",
    "TextGates",
    "Track",
    "TrainingPath",
    "activating_samples",
    "activating_tiles",
    "as_latex",
    "as_text",
    "attribution_bars",
    "attribution_tiles",
    "backprop",
    "check_gradients",
    "computation_graph",
    "curvature",
    "curvature_at",
    "curvature_chart",
    "decision_chart",
    "decision_surface",
    "embed",
    "embedding_chart",
    "feature_map_tiles",
    "feature_maps",
    "field_figure",
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
    "mistake_bars",
    "network",
    "occlusion",
    "out_of_sample_probabilities",
    "principal",
    "receptive_field",
    "saliency",
    "slice_along",
    "slice_between",
    "slice_chart",
    "spread_of",
    "surface_chart",
    "track",
    "training_path",
]
