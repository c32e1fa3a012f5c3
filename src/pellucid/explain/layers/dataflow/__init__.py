"""What each tensor in a network sees of the input: `Dataflow` follows it through every operation."""

from pellucid.explain.layers.dataflow.following import Dataflow
from pellucid.explain.layers.dataflow.seen import Seen, Span

__all__ = ["Dataflow", "Seen", "Span"]
