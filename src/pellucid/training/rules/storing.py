"""Storing: the learning of an associative memory, which is done in one step.

Shape letters: N rows, P patterns, U units of the memory.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pellucid.blocks import Binarise, Hopfield
from pellucid.errors import DataError, OptionError
from pellucid.recipe import Recipe
from pellucid.shapes import Features
from pellucid.training.batches import rows_at_once
from pellucid.training.memories import Memory, crosstalk, memory_of, states_before
from pellucid.training.session import Rule, Session
from pellucid.training.tasks.recall import kept, lost

_LOOKED_AT = 4_096  # of more rows, the first so many are what patterns are chosen from
_MOST_ROUNDS = 20
_ROUNDING = 1e-5  # of float32 sums, as a share of what is added up


@dataclass(frozen=True, slots=True)
class Storing(Rule):
    """The patterns of all training rows are stored where there is room; else those of rows that stand for the others.

    The loss is the share of the stored patterns' units that recall, begun at the patterns themselves, gets wrong.
    """

    def optimizer(self, network: nn.Module, recipe: Recipe) -> None:  # noqa: ARG002 (as every rule)
        """Return none: nothing follows a gradient."""
        return

    def begin(self, session: Session) -> None:
        """Refuse what cannot be stored in one step, or not as two values.

        Raises:
            OptionError: a batch smaller than what is to be stored, or no memory in the network.
            DataError: features that are made two-valued by their sign and have more than two values.
        """
        memory = memory_of(session.network)
        wanted = min(len(session.data.rows["train"]), len(memory.patterns))
        if session.batch_size < wanted:
            raise OptionError(
                "a memory stores all its patterns in one step",
                expected=f"a batch of at least {wanted:,}",
                received=f"{session.batch_size:,}",
                advice="leave --batch-size out",
            )
        _refuse_many_values(session, memory)

    def notes(self, session: Session) -> tuple[str, ...]:
        """Say how many of the rows are stored where there is no room for all; then whether Hebb's rule holds them."""
        memory, rows = memory_of(session.network), len(session.data.rows["train"])
        if memory.stored:
            found = crosstalk(memory)
            return (f"{found}; {found.reason}", f"try {found.advice}") if found and found.blurs else ()
        room = len(memory.patterns)
        if rows <= room:
            return ()
        return (f"{room:,} of {rows:,} rows, which stand for the others, are stored; more with patterns=...",)

    def order(self, session: Session) -> Tensor:
        """Return the rows whose patterns are stored."""
        memory, rows = memory_of(session.network), session.data.rows["train"]
        if len(rows) <= len(memory.patterns):
            return rows
        rows = rows[:_LOOKED_AT]
        return rows[medoids(_states(session, memory, rows), len(memory.patterns))]

    def step(
        self,
        session: Session,
        inputs_B: Tensor,
        targets_B: Tensor,  # noqa: ARG002 (there are none)
        *,
        measure: bool,  # noqa: ARG002 (there is no gradient)
    ) -> tuple[float, float]:
        """Store the patterns, in place of what was stored.

        Raises:
            DataError: they cannot be stored.
        """
        memory = memory_of(session.network)
        states_PU = states_before(session.network, memory, inputs_B)
        try:
            memory.store(states_PU)
        except ValueError as error:
            raise DataError(
                f"these patterns cannot be stored: {error}",
                expected="fewer patterns than that, of two values",
                received=f"{len(states_PU):,} patterns of {states_PU[0].numel():,} numbers",
                advice="binarise in front of hopfield makes two values of numbers; hopfield(patterns=...) makes room;"
                " modernhopfield stores numbers as they are",
            ) from None
        patterns_PU = kept(memory)
        return float(lost(memory, patterns_PU, patterns_PU).mean()), math.nan


def _states(session: Session, memory: Memory, rows: Tensor) -> Tensor:
    """Return what reaches the memory of some rows, (N, U)."""
    data, device = session.data, session.device.device
    parts = [
        states_before(session.network, memory, data.batch(rows_B)[0].to(device)).flatten(1)
        for rows_B in rows.split(rows_at_once(data.inputs))
    ]
    return torch.cat(parts).float().cpu()


def _refuse_many_values(session: Session, memory: Memory) -> None:
    """Refuse features of many values where two are made of them by their sign: most of what they say would be lost."""
    by_sign = [each for each in session.network.modules() if isinstance(each, Binarise) and each.by == "sign"]
    if not by_sign or not isinstance(memory, Hopfield) or not isinstance(session.data.input_shape, Features):
        return
    inputs_NF = session.data.batch(session.data.rows["train"][:_LOOKED_AT])[0]
    ascending_NF = inputs_NF.sort(0).values
    values_F = 1 + (ascending_NF[1:] != ascending_NF[:-1]).sum(0)
    if values_F.max() > 2:
        most = int(values_F.argmax())
        raise DataError(
            "this memory stores patterns of two values",
            expected="two values in every column",
            received=f"{int(values_F[most]):,} values in input {most + 1} of {len(values_F)}",
            advice="leave such columns out (--ignore), or take a memory of numbers: --network modern-hopfield;"
            " rows that are images: arrows with binarise, which parts each row by a threshold of its own",
        )


def medoids(states_NU: Tensor, count: int) -> Tensor:
    """Return the rows (count,) that stand for all: each the nearest to the mean of those it is nearest to.

    k-means, begun with the row nearest to the mean of all and then, one by one, the row farthest from those chosen.
    Nothing is drawn, so the same rows are found again. Fewer, where fewer are different.
    """
    middle = states_NU.mean(0, keepdim=True)
    chosen = [int(_distances(states_NU, middle)[:, 0].argmin())]
    nearest_N = _distances(states_NU, states_NU[chosen])[:, 0]
    while len(chosen) < count and nearest_N.max() > 0:
        chosen.append(int(nearest_N.argmax()))
        nearest_N = torch.minimum(nearest_N, _distances(states_NU, states_NU[chosen[-1:]])[:, 0])
    rows_P = torch.tensor(chosen)
    for _ in range(_MOST_ROUNDS):
        group_N = _distances(states_NU, states_NU[rows_P]).argmin(1)
        moved_P = torch.stack([_middlemost(states_NU, group_N == at, rows_P[at]) for at in range(len(rows_P))])
        if torch.equal(moved_P, rows_P):
            break
        rows_P = moved_P
    return rows_P


def _middlemost(states_NU: Tensor, member_N: Tensor, before: Tensor) -> Tensor:
    rows = member_N.nonzero().flatten()
    if not len(rows):
        return before
    members = states_NU[rows]
    return rows[_distances(members, members.mean(0, keepdim=True))[:, 0].argmin()]


def _distances(one_NU: Tensor, other_PU: Tensor) -> Tensor:
    """Return the squared distances (N, P), 0 where rounding alone would keep two rows apart."""
    lengths_NP = one_NU.square().sum(1)[:, None] + other_PU.square().sum(1)
    distance_NP = lengths_NP - 2 * one_NU @ other_PU.T
    return distance_NP.where(distance_NP > _ROUNDING * lengths_NP, 0.0)
