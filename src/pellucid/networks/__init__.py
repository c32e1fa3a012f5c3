"""The arrow notation: `parse` a text to a plan, `build` a plan, write it `to_source`, `fit_to` data; the zoo."""

from pellucid.networks.auxiliary import MAIN, main_output
from pellucid.networks.building import build
from pellucid.networks.field import Field
from pellucid.networks.fitting import fit_to, with_head
from pellucid.networks.initialisation import initialise
from pellucid.networks.learning import learns, rule_of
from pellucid.networks.nonlinearities import NONLINEARITIES, Nonlinearity
from pellucid.networks.pairing import paired
from pellucid.networks.parsing import parse
from pellucid.networks.plan import Plan
from pellucid.networks.published import renamed
from pellucid.networks.published_form import PublishedForm, published_form
from pellucid.networks.source import to_source
from pellucid.networks.table import Row, Table
from pellucid.networks.word import Named, Word
from pellucid.networks.words import COMBINATORS, WORDS
from pellucid.networks.zoo import FAMILIES, ZOO, Entry

__all__ = [
    "COMBINATORS",
    "FAMILIES",
    "MAIN",
    "NONLINEARITIES",
    "WORDS",
    "ZOO",
    "Entry",
    "Field",
    "Named",
    "Nonlinearity",
    "Plan",
    "PublishedForm",
    "Row",
    "Table",
    "Word",
    "build",
    "fit_to",
    "initialise",
    "learns",
    "main_output",
    "paired",
    "parse",
    "published_form",
    "renamed",
    "rule_of",
    "to_source",
    "with_head",
]
