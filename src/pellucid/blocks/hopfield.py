"""Associative memories: the Hopfield network of two-valued units, and its modern continuous form.

Shape letters: N units, B states, P patterns, K units of one block.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Hopfield(nn.Module):
    """A Hopfield network: units of -1 and +1, symmetric couplings W without a diagonal, thresholds t.

    A unit takes the sign of its field, x_i = sign(sum_j W_ij x_j - t_i), and keeps its value where that is 0. Changed
    one after the other, no unit ever raises the energy E(x) = -1/2 x.W x + t.x, so that recall ends in a valley of
    it. Changed all at once, they may end in a cycle of two states. With the temperature T a unit is +1 with the
    probability 1 / (1 + exp(-2 field / T)) (Glauber), which lets a state out of shallow valleys while T falls to 0.
    The buffers are the couplings (N (N - 1) / 2 different ones), the thresholds and the patterns stored; nothing is
    trained by a gradient. A 0 in a cue is a unit of which nothing is known.

    Hopfield, "Neural networks and physical systems with emergent collective computational abilities" (1982).

    Args:
        units: N, the numbers of one sample, however they are arranged.
        patterns: how many patterns can be stored.
        storage: `hebbian`, W = 1/N sum x x^T; or `pseudo-inverse`, the projection on the patterns (Personnaz, Guyon
            and Dreyfus, 1986), of which any number below N, however alike, are fixed points. Both without a diagonal.
        update: `asynchronous`, one unit after the other in a random order; `synchronous`; or `annealed`.
        states: `signs`, -1 and +1; or `bits`, 0 and 1, where a half is a unit of which nothing is known.
        sweeps: the most updates of every unit; recall ends before where nothing changes any more.
        temperature: T of the first annealed sweep, from where it falls evenly, to reach 0 half way through the sweeps.
    """

    KINDS = ("stored", "negative", "mixture", "spurious", "cycle", "unsettled")

    weight: Tensor
    threshold: Tensor
    patterns: Tensor
    stored: Tensor

    def __init__(
        self,
        units: int,
        patterns: int,
        storage: str = "hebbian",
        update: str = "asynchronous",
        states: str = "signs",
        sweeps: int = 100,
        temperature: float = 1.0,
    ) -> None:
        super().__init__()
        self.units, self.storage, self.update = units, storage, update
        self.states, self.sweeps, self.temperature = states, sweeps, temperature
        self.register_buffer("weight", torch.zeros(units, units))
        self.register_buffer("threshold", torch.zeros(units))
        self.register_buffer("patterns", torch.zeros(patterns, units))
        self.register_buffer("stored", torch.tensor(0))

    def signs(self, x: Tensor) -> Tensor:
        """Return states (B, N) of -1, 0 and +1: the sign of each number, of bits the side of a half it is on."""
        x_BN = x.flatten(1).to(self.weight.dtype)
        return torch.sign(2 * x_BN - 1 if self.states == "bits" else x_BN)

    @torch.no_grad()
    def store(self, patterns: Tensor) -> None:
        """Set the couplings so that patterns (P, ...) are remembered, in place of what was; thresholds stay.

        Raises:
            ValueError: numbers that are not two-valued, another size, more patterns than there is room for, or so
                many that the pseudo-inverse could correct no error in any.
        """
        x_PN = self.signs(patterns)
        values = (0.0, 1.0) if self.states == "bits" else (-1.0, 1.0)
        if not torch.isin(patterns, torch.tensor(values, device=patterns.device, dtype=patterns.dtype)).all():
            raise ValueError(f"patterns of {values[0]:g} and {values[1]:g} are stored, no other values")
        if x_PN.shape[1] != self.units or not 1 <= len(x_PN) <= len(self.patterns):
            room = f"1 to {len(self.patterns)} patterns of {self.units} units"
            raise ValueError(f"there is room for {room}, not for {len(x_PN)} of {x_PN.shape[1]}")
        weight_NN = x_PN.T @ x_PN / self.units if self.storage == "hebbian" else self._projection(x_PN)
        self.weight.copy_(weight_NN.fill_diagonal_(0))
        self.patterns.zero_()
        self.patterns[: len(x_PN)] = x_PN
        self.stored.fill_(len(x_PN))

    def _projection(self, x_PN: Tensor) -> Tensor:
        """Return the projection on the span of the patterns; a unit that they leave free is coupled to none."""
        vectors_NP, values_P, _ = torch.linalg.svd(x_PN.double().T, full_matrices=False)
        rank = int((values_P > values_P[0] * 1e-9).sum())
        if rank >= self.units:
            raise ValueError(
                f"the pseudo-inverse holds fewer independent patterns than units: at most {self.units - 1}, not {rank}"
            )
        projection_NN: Tensor = vectors_NP[:, :rank] @ vectors_NP[:, :rank].T
        free_N = projection_NN.diagonal() > 1 - 1e-9  # all else in such a row is rounding, which would choose a sign
        projection_NN[free_N, :] = 0
        projection_NN[:, free_N] = 0
        return projection_NN

    def energy(self, states: Tensor) -> Tensor:
        """Return -1/2 x.W x + t.x of each state (B, ...), in float64."""
        x_BN = self.signs(states).double()
        return -(x_BN @ self.weight.double() * x_BN).sum(1) / 2 + x_BN @ self.threshold.double()

    def bits(self) -> tuple[Tensor, Tensor]:
        """Return couplings 4 W and thresholds 2 (t + W 1) of the same network in units v = (x + 1) / 2 of 0 and 1.

        Its energy -1/2 v.(4 W) v + 2 (t + W 1).v is that of x but for a constant, and every update is the same.
        """
        return 4 * self.weight, 2 * (self.threshold + self.weight.sum(1))

    def forward(self, x: Tensor) -> Tensor:
        """Return what each cue (B, ...) recalls, in its shape; the order of updates is the same at every call."""
        if torch.compiler.is_exporting():
            raise RuntimeError("a Hopfield network recalls until nothing changes, which takes no fixed operations")
        return self.recall(x, torch.Generator().manual_seed(0))

    def recall(self, cues: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return what each cue (B, ...) recalls, in its shape.

        Args:
            cues: where to start.
            generator: of the random order, and of the noise of annealing, which all cues share: what one recalls
                does not depend on the others. On the CPU; without one, torch's global stream.
        """
        return self._run(cues, generator).reshape(cues.shape).to(cues.dtype)

    def trace(self, cues: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the states (S + 1, B, N) of a recall, before the first of its S sweeps and after each."""
        states: list[Tensor] = []
        self._run(cues, generator, states)
        return torch.stack(states)

    def fields(self, states: Tensor) -> Tensor:
        """Return the fields sum_j W_ij x_j - t_i (B, N) of the units of each state (B, ...)."""
        return self._field(self.signs(states))

    @torch.no_grad()
    def updated(self, states: Tensor, units: Tensor | None = None) -> Tensor:
        """Return states (B, ...) after one update without noise, in their shape.

        Args:
            states: where to start.
            units: (U,), which are updated, one after the other in this order; without them all are, at once.
        """
        state_BN, tolerance_N = self.signs(states), self._tolerance()
        if units is None:
            ended_BN = self._settled(self._field(state_BN), state_BN, tolerance_N)
        else:
            ended_BN = self._unit_by_unit(state_BN, units, tolerance_N)
        return self._written(ended_BN).reshape(states.shape).to(states.dtype)

    @torch.no_grad()
    def _run(self, cues: Tensor, generator: torch.Generator | None, kept: list[Tensor] | None = None) -> Tensor:
        """Return the states (B, N) where recall ends, in the values of `states`; all on the way go into `kept`."""
        state_BN = self.signs(cues)
        moving_B = torch.arange(len(state_BN), device=cues.device)
        earlier_BN, tolerance_N = torch.zeros_like(state_BN), self._tolerance()
        if kept is not None:
            kept.append(self._written(state_BN))
        for sweep in range(self.sweeps):
            temperature = self._temperature(sweep)
            started_BN = state_BN[moving_B]
            ended_BN = self._sweep(started_BN, tolerance_N, temperature, generator)
            state_BN = state_BN.index_copy(0, moving_B, ended_BN)
            if kept is not None:
                kept.append(self._written(state_BN))
            if temperature == 0:
                # a synchronous state that was there two sweeps ago would come again for ever
                going_B = (ended_BN != started_BN).any(1) & (ended_BN != earlier_BN).any(1)
                moving_B, earlier_BN = moving_B[going_B], started_BN[going_B]
                if not len(moving_B):
                    break
        return self._written(state_BN)

    def _written(self, state_BN: Tensor) -> Tensor:
        return (state_BN + 1) / 2 if self.states == "bits" else state_BN

    def _temperature(self, sweep: int) -> float:
        if self.update != "annealed":
            return 0.0
        return self.temperature * max(0.0, 1 - 2 * sweep / self.sweeps)

    def _tolerance(self) -> Tensor:
        """Return how far from 0 a field may be by rounding alone: such a unit keeps its value."""
        return 8 * torch.finfo(self.weight.dtype).eps * (self.weight.abs().sum(1) + self.threshold.abs())

    def _settled(self, field: Tensor, state: Tensor, tolerance: Tensor) -> Tensor:
        """Return the sign of a field, the state where that is 0, and +1 where neither is known."""
        kept = torch.where(state == 0, torch.ones_like(state), state)
        return torch.where(field.abs() > tolerance, torch.sign(field), kept)

    def _field(self, state_BN: Tensor) -> Tensor:
        return state_BN @ self.weight - self.threshold

    def _sweep(
        self, state_BN: Tensor, tolerance_N: Tensor, temperature: float, generator: torch.Generator | None
    ) -> Tensor:
        """Return the states after every unit was updated once."""
        if self.update == "synchronous":
            return self._settled(self._field(state_BN), state_BN, tolerance_N)
        order_N = torch.randperm(self.units, generator=generator).to(state_BN.device)
        if temperature > 0:
            chance_N = torch.rand(self.units, generator=generator).to(state_BN)
            return self._unit_by_unit(state_BN, order_N, chance_N, temperature)
        field_BN = self._field(state_BN)
        if not state_BN.all() or (field_BN * state_BN < 0).float().mean() > 1 / 32:
            return self._unit_by_unit(state_BN, order_N, tolerance_N)
        return self._flip_by_flip(state_BN, field_BN, order_N, tolerance_N)

    def _unit_by_unit(self, state_BN: Tensor, order_N: Tensor, bound_N: Tensor, temperature: float = 0.0) -> Tensor:
        """Return the states after every unit was looked at in the order, all states side by side.

        The fields of a block of units are found by one product; within it, each change is added to the fields behind.
        What a unit sees is what it would see if the units came one by one.

        Args:
            state_BN: the states.
            order_N: the order of the units.
            bound_N: a random number from 0 to 1 for each unit, or at the temperature 0 the tolerance of its field.
            temperature: of the noise.
        """
        state_NB = state_BN.T.clone(memory_format=torch.contiguous_format)
        for block_K in order_N.split(64):
            weight_KN = self.weight[block_K]
            weight_KK, block_KB = weight_KN[:, block_K], state_NB[block_K]
            field_KB = weight_KN @ state_NB - self.threshold[block_K, None]
            for k, bound in enumerate(bound_N[block_K]):
                if temperature > 0:
                    new_B = torch.sign(torch.sigmoid(2 * field_KB[k] / temperature) - bound)
                else:
                    new_B = self._settled(field_KB[k], block_KB[k], bound)
                field_KB[k + 1 :].addr_(weight_KK[k + 1 :, k], new_B - block_KB[k])
                block_KB[k] = new_B
            state_NB[block_K] = block_KB
        return state_NB.T.contiguous()

    def _flip_by_flip(self, state_BN: Tensor, field_BN: Tensor, order_N: Tensor, tolerance_N: Tensor) -> Tensor:
        """Return the states after the same, where few units flip: each state goes on to its next one that does.

        Args:
            state_BN: the states, all -1 or +1.
            field_BN: the fields of their units.
            order_N: the order of the units.
            tolerance_N: how far from 0 a field may be by rounding.
        """
        place_N = torch.empty_like(order_N)
        place_N[order_N] = torch.arange(self.units, device=order_N.device)
        result_BN, rows_B = state_BN.clone(), torch.arange(len(state_BN), device=state_BN.device)
        state_BN, next_B = state_BN.clone(), torch.zeros_like(rows_B)
        while len(rows_B):
            flips_BN = (field_BN * state_BN < -tolerance_N) & (place_N >= next_B[:, None])
            next_B = torch.where(flips_BN, place_N, self.units).amin(1)
            done_B = next_B == self.units
            if 2 * int(done_B.sum()) >= len(rows_B):
                result_BN[rows_B] = state_BN  # those that are done; the others come again
                rows_B, state_BN, field_BN, next_B = (each[~done_B] for each in (rows_B, state_BN, field_BN, next_B))
                done_B = done_B[~done_B]
            unit_B = order_N[next_B.clamp(max=self.units - 1)][:, None]
            change_B = torch.where(done_B[:, None], 0.0, -2 * state_BN.gather(1, unit_B))
            state_BN.scatter_add_(1, unit_B, change_B)
            field_BN.addcmul_(self.weight[unit_B[:, 0]], change_B)
        return result_BN

    def overlaps(self, states: Tensor) -> Tensor:
        """Return m = x.p / N (B, P) of each state with each stored pattern: 1 the same, -1 its negative, 0 unlike."""
        return self.signs(states) @ self.patterns[: int(self.stored)].T / self.units

    @torch.no_grad()
    def recognise(self, states: Tensor, least: float = 0.9) -> tuple[Tensor, Tensor, Tensor]:
        """Say what recall ended in: an index into `KINDS`, the nearest stored pattern and its overlap, each (B,).

        A cycle is two states that follow each other when all units change at once; stored and negative are states
        whose overlap with a pattern or its negative is at least `least`; a mixture is as near to the sign of the sum
        of three patterns or negatives; spurious is any other state at rest.

        Args:
            states: states (B, ...), such as `recall` returns.
            least: the overlap that counts as the same, above 0 to 1.

        Raises:
            ValueError: nothing is stored.
        """
        if not self.stored:
            raise ValueError("nothing is stored that could be recognised")
        x_BN, overlap_BP = self.signs(states), self.overlaps(states)
        nearest_B = overlap_BP.abs().argmax(1)
        overlap_B = overlap_BP.gather(1, nearest_B[:, None])[:, 0]
        tolerance_N = self._tolerance()
        next_BN = self._settled(self._field(x_BN), x_BN, tolerance_N)
        rests_B = (next_BN == x_BN).all(1)
        kind_B = torch.where(rests_B, self.KINDS.index("spurious"), self.KINDS.index("unsettled"))
        if overlap_BP.shape[1] >= 3:
            three_B3 = overlap_BP.abs().topk(3).indices
            signs_B3 = torch.sign(overlap_BP.gather(1, three_B3))
            mixed_BN = torch.sign((signs_B3[:, :, None] * self.patterns[three_B3]).sum(1))
            mixture_B = (x_BN * mixed_BN).mean(1) >= least
            kind_B[mixture_B] = self.KINDS.index("mixture")
        kind_B[overlap_B >= least] = self.KINDS.index("stored")
        kind_B[overlap_B <= -least] = self.KINDS.index("negative")
        cycles_B = ~rests_B & (self._settled(self._field(next_BN), next_BN, tolerance_N) == x_BN).all(1)
        kind_B[cycles_B] = self.KINDS.index("cycle")
        return kind_B, nearest_B, overlap_B

    def extra_repr(self) -> str:
        """Return the sizes and the rules."""
        return f"units={self.units}, patterns={len(self.patterns)}, storage={self.storage}, update={self.update}"


class HopfieldModern(nn.Module):
    """A modern Hopfield network: states of real numbers, x' = X softmax(beta X^T x) with the stored patterns in X.

    That update is the attention of a transformer. It lowers the energy E(x) = -1/beta log sum_p exp(beta x_p.x) +
    1/2 x.x + 1/beta log P + 1/2 max |x_p|^2, which is never below 0, and one update comes near the pattern meant, of a
    number of patterns that may grow exponentially with the units. Where patterns are closer than beta tells apart, it
    gives their mean. The patterns are a buffer; nothing is trained by a gradient.

    Ramsauer et al., "Hopfield networks is all you need" (2021).

    Args:
        units: N, the numbers of one sample, however they are arranged.
        patterns: how many patterns can be stored.
        beta: inverse temperature: the larger, the closer patterns are told apart.
        updates: how often the update is applied.
    """

    KINDS = ("stored", "mixture")

    patterns: Tensor
    stored: Tensor

    def __init__(self, units: int, patterns: int, beta: float = 1.0, updates: int = 1) -> None:
        super().__init__()
        self.units, self.beta, self.updates = units, beta, updates
        self.register_buffer("patterns", torch.zeros(patterns, units))
        self.register_buffer("stored", torch.tensor(0))

    @torch.no_grad()
    def store(self, patterns: Tensor) -> None:
        """Remember patterns (P, ...) in place of what was.

        Raises:
            ValueError: another size, more patterns than there is room for, or numbers that are not finite.
        """
        x_PN = patterns.flatten(1)
        if not x_PN.isfinite().all():
            raise ValueError("patterns of finite numbers are stored")
        if x_PN.shape[1] != self.units or not 1 <= len(x_PN) <= len(self.patterns):
            room = f"1 to {len(self.patterns)} patterns of {self.units} units"
            raise ValueError(f"there is room for {room}, not for {len(x_PN)} of {x_PN.shape[1]}")
        self.patterns.zero_()
        self.patterns[: len(x_PN)] = x_PN
        self.stored.fill_(len(x_PN))

    def shares(self, states: Tensor) -> Tensor:
        """Return softmax(beta X^T x) (B, P): the share of each stored pattern in the update, 0 where none is stored."""
        logits_BP = self.beta * states.flatten(1) @ self.patterns.T
        empty_P = torch.arange(len(self.patterns), device=states.device) >= self.stored
        return F.softmax(logits_BP.masked_fill(empty_P, torch.finfo(logits_BP.dtype).min), 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the states (B, ...) after the updates, in their shape; as they are where nothing is stored."""
        states_BN = x.flatten(1)
        for _ in range(self.updates):
            states_BN = torch.where(self.stored > 0, self.shares(states_BN) @ self.patterns, states_BN)
        return states_BN.reshape(x.shape)

    def energy(self, states: Tensor) -> Tensor:
        """Return the energy of each state (B, ...), in float64."""
        x_BN, patterns_PN = states.flatten(1).double(), self.patterns[: int(self.stored)].double()
        attraction_B = torch.logsumexp(self.beta * x_BN @ patterns_PN.T, 1) / self.beta
        largest = patterns_PN.square().sum(1).max()
        return x_BN.square().sum(1) / 2 - attraction_B + self.stored.double().log() / self.beta + largest / 2

    def overlaps(self, states: Tensor) -> Tensor:
        """Return the cosine (B, P) of the angle between each state and each stored pattern."""
        return F.normalize(states.flatten(1)) @ F.normalize(self.patterns[: int(self.stored)]).T

    @torch.no_grad()
    def recognise(self, states: Tensor, least: float = 0.9) -> tuple[Tensor, Tensor, Tensor]:
        """Say what recall ended in: an index into `KINDS`, the pattern of the largest share, its cosine, each (B,).

        A state is a stored pattern where that has at least the share `least` of the next update, else a mixture.

        Raises:
            ValueError: nothing is stored.
        """
        if not self.stored:
            raise ValueError("nothing is stored that could be recognised")
        share_B, nearest_B = self.shares(states).max(1)
        overlap_B = self.overlaps(states).gather(1, nearest_B[:, None])[:, 0]
        return (share_B < least).long(), nearest_B, overlap_B

    def extra_repr(self) -> str:
        """Return the sizes and the inverse temperature."""
        return f"units={self.units}, patterns={len(self.patterns)}, beta={self.beta}, updates={self.updates}"
