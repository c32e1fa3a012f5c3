"""A network's forward and backward pass as formulas with their numbers, recomputed without autograd."""

from pellucid.explain.derivation.chain import Link, Term, links, terms
from pellucid.explain.derivation.latex import as_latex
from pellucid.explain.derivation.steps import Agreement, Derivation, Formula, LossStep, Nested, Operand, Step
from pellucid.explain.derivation.text import as_text, shown
from pellucid.explain.derivation.walk import backprop
from pellucid.explain.derivation.writing import rewritten

__all__ = [
    "Agreement",
    "Derivation",
    "Formula",
    "Link",
    "LossStep",
    "Nested",
    "Operand",
    "Step",
    "Term",
    "as_latex",
    "as_text",
    "backprop",
    "links",
    "rewritten",
    "shown",
    "terms",
]
