"""Programs that are not one network, one loss and one optimiser: each fault beside the same program without it."""

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Categorical
from torch.nn import functional as F

import pellucid
from pellucid.diagnosis.causes.progress import progress_of
from tests.diagnosis.small_trainings import causes_of, dense, rings, train


@pytest.mark.parametrize(("scale", "expected"), [(1.0, []), (800.0, ["target-scale"])])
def test_a_loss_that_another_one_drowns(scale: float, expected: list[str]) -> None:
    torch.manual_seed(0)
    x, y = rings(640)
    power = (x[:, 0] * 1.5 + 2) * scale
    trunk, kind, size = dense(2, 32, 32), nn.Linear(32, 2), nn.Linear(32, 1)
    parts = nn.ModuleDict({"trunk": trunk, "kind": kind, "size": size})

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = parts

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            hidden = trunk(x).relu()
            return kind(hidden), size(hidden).squeeze(1)

    network = Two()
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    with pellucid.watch() as watch:
        for _ in range(20):
            for rows in torch.randperm(640).split(32):
                optimizer.zero_grad()
                scores, guess = network(x[rows])
                apart = F.cross_entropy(scores, y[rows])
                (apart + F.mse_loss(guess, power[rows])).backward()
                optimizer.step()
    assert causes_of(watch) == expected


@pytest.mark.parametrize(("scale", "expected"), [(1.0, []), (2e4, ["input-scale"])])
def test_raw_inputs_of_a_loss_of_ones_own(scale: float, expected: list[str]) -> None:
    """No score is known; that the loss fell says only how high such inputs had made it begin."""
    torch.manual_seed(0)
    x, y = rings(640)

    def margin(scores: Tensor, y: Tensor) -> Tensor:
        return torch.logaddexp(torch.zeros(()), -scores.squeeze(1) * (2.0 * y - 1)).mean()

    with pellucid.watch() as watch:
        train(dense(2, 32, 1), (x * scale, y), margin)
    assert causes_of(watch) == expected


class Memory(nn.Module):
    """Attention over slots, along an axis."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.key, self.out, self.axis = nn.Linear(2, 1), nn.Linear(2, 2), axis

    def forward(self, slots_BSF: Tensor) -> Tensor:
        weights_BS1 = self.key(slots_BSF).softmax(self.axis)
        scores: Tensor = self.out((weights_BS1 * slots_BSF).sum(1).tanh())
        return scores


@pytest.mark.parametrize(("axis", "expected"), [(1, []), (-1, ["softmax-axis"])])
def test_a_softmax_over_one_number(axis: int, expected: list[str]) -> None:
    torch.manual_seed(0)
    slots_BSF = torch.randn(640, 6, 2)
    slots_BSF[:, 0, 0] += 4.0
    with pellucid.watch() as watch:
        train(Memory(axis), (slots_BSF, (slots_BSF[:, 0, 1] > 0).long()), F.cross_entropy, epochs=30)
    assert causes_of(watch)[:1] == expected


@pytest.mark.parametrize(("given", "expected"), [("logits", ["double-softmax"]), ("probs", [])])
def test_probabilities_given_to_a_distribution_as_scores(given: str, expected: list[str]) -> None:
    torch.manual_seed(0)
    x, y = rings(640)
    policy = nn.Sequential(dense(2, 32, 2), nn.Softmax(1))

    def loss_of(probabilities: Tensor, actions: Tensor) -> Tensor:
        chosen = Categorical(logits=probabilities) if given == "logits" else Categorical(probs=probabilities)
        loss: Tensor = -chosen.log_prob(actions).mean()
        return loss

    with pellucid.watch() as watch:
        train(policy, (x, y), loss_of)
    assert causes_of(watch) == expected


@pytest.mark.parametrize(("gain", "expected"), [(1.0, []), (12.0, ["init-scale"])])
def test_weights_of_no_module_that_begin_too_large(gain: float, expected: list[str]) -> None:
    torch.manual_seed(0)
    x, y = rings(640)
    widths = [2, 64, 64, 64, 2]
    weights = [
        (torch.randn(one, other) * gain * math.sqrt(2 / one)).requires_grad_() for one, other in pairwise(widths)
    ]
    optimizer = torch.optim.SGD(weights, lr=0.1)
    with pellucid.watch() as watch:
        for _ in range(20):
            for rows in torch.randperm(640).split(32):
                hidden = x[rows]
                for weight in weights[:-1]:
                    hidden = (hidden @ weight).tanh()
                optimizer.zero_grad()
                F.cross_entropy(hidden @ weights[-1], y[rows]).backward()
                optimizer.step()
    assert causes_of(watch)[:1] == expected


class Factors(nn.Module):
    """Who likes what, as a product of two embeddings."""

    def __init__(self, draw: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.who, self.what = nn.Embedding(60, 8), nn.Embedding(40, 8)
        for table in (self.who, self.what):
            draw(table.weight.data)

    def forward(self, pairs_B2: Tensor) -> Tensor:
        likes_B: Tensor = (self.who(pairs_B2[:, 0]) * self.what(pairs_B2[:, 1])).sum(1)
        return likes_B


@pytest.mark.parametrize(
    ("draw", "expected"), [(lambda w: w.normal_(0, 0.3), []), (lambda w: w.fill_(0.3), ["symmetric-init"])]
)
def test_embeddings_whose_columns_begin_alike(draw: Callable[[Tensor], object], expected: list[str]) -> None:
    torch.manual_seed(0)
    pairs_N2 = torch.stack((torch.randint(0, 60, (2000,)), torch.randint(0, 40, (2000,))), 1)
    likes_N = (torch.randn(60, 4)[pairs_N2[:, 0]] * torch.randn(40, 4)[pairs_N2[:, 1]]).sum(1)
    with pellucid.watch() as watch:
        train(
            network := Factors(draw),
            (pairs_N2, likes_N),
            F.mse_loss,
            optimizer=torch.optim.Adam(network.parameters(), lr=0.02),
            epochs=30,
        )
    assert causes_of(watch)[:1] == expected


@pytest.mark.parametrize(("share", "expected"), [(1e-4, []), (0.5, ["over-regularised"])])
def test_a_penalty_within_the_loss(share: float, expected: list[str]) -> None:
    torch.manual_seed(0)
    network = dense(2, 32, 32, 2)
    x, y = rings(640)
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    with pellucid.watch() as watch:
        for _ in range(20):
            for rows in torch.randperm(640).split(32):
                optimizer.zero_grad()
                apart = F.cross_entropy(network(x[rows]), y[rows])
                (apart + share * sum(weight.square().sum() for weight in network.parameters())).backward()
                optimizer.step()
    assert causes_of(watch)[:1] == expected


class Steps(nn.Module):
    """A recurrent layer that wants time first, its states laid side by side."""

    def __init__(self, *, moves: bool) -> None:
        super().__init__()
        self.rnn, self.out, self.moves = nn.RNN(2, 8), nn.Linear(8 * 9, 2), moves

    def forward(self, x_BTF: Tensor) -> Tensor:
        states_TBH = self.rnn(x_BTF.transpose(0, 1))[0]
        states_XTH = states_TBH.transpose(0, 1) if self.moves else states_TBH
        scores: Tensor = self.out(states_XTH.reshape(len(x_BTF), -1))
        return scores


@pytest.mark.parametrize(("moves", "expected"), [(True, []), (False, ["batch-mixing"])])
def test_a_batch_that_is_cut_along_its_second_axis(moves: bool, expected: list[str]) -> None:
    torch.manual_seed(0)
    x_BTF = torch.randn(640, 9, 2)
    with pellucid.watch() as watch:
        train(Steps(moves=moves), (x_BTF, (x_BTF[:, :, 0].sum(1) > 0).long()), F.cross_entropy)
    assert causes_of(watch)[:1] == expected


def test_nodes_of_a_graph_are_no_batch() -> None:
    torch.manual_seed(0)
    y_N = torch.arange(120) % 2
    near_NN = ((y_N[:, None] == y_N) & (torch.rand(120, 120) < 0.2)).float() + torch.eye(120)
    near_NN /= near_NN.sum(1, keepdim=True)
    x_NF = torch.randn(120, 6) + 0.8 * y_N[:, None]

    class Graph(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(6, 16), nn.Linear(16, 2)

        def forward(self, x_NF: Tensor) -> Tensor:
            scores_NC: Tensor = near_NN @ self.last((near_NN @ self.first(x_NF)).relu())
            return scores_NC

    network, known = Graph(), torch.arange(120) < 80
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    with pellucid.watch() as watch:
        for _ in range(150):
            optimizer.zero_grad()
            F.cross_entropy(network(x_NF)[known], y_N[known]).backward()
            optimizer.step()
    assert causes_of(watch) == []
    assert max(structure.mixing or 0.0 for structure in watch.seen.structures.values()) > 0.1


def test_a_base_copied_from_a_trained_network_is_not_frozen_by_mistake() -> None:
    torch.manual_seed(0)
    data = rings(640)
    base = dense(2, 32, 32)
    trained = nn.Sequential(base, nn.ReLU(), nn.Linear(32, 2))
    with pellucid.watch() as copied:
        train(trained, data, F.cross_entropy)
        network = nn.Sequential(dense(2, 32, 32), nn.ReLU(), nn.Linear(32, 2))
        with torch.no_grad():
            for own, other in zip(network[0].parameters(), base.parameters(), strict=True):
                own.copy_(other)
        train(network, data, F.cross_entropy, optimizer=torch.optim.Adam(network[2].parameters(), lr=5e-3))
    assert "frozen-parameters" not in causes_of(copied)
    with pellucid.watch() as fresh:
        network = nn.Sequential(dense(2, 32, 32), nn.ReLU(), nn.Linear(32, 2))
        train(network, data, F.cross_entropy, optimizer=torch.optim.Adam(network[2].parameters(), lr=5e-3))
    assert "frozen-parameters" in causes_of(fresh)


@pytest.mark.parametrize(("clears", "expected"), [(True, []), (False, ["missing-zero-grad"])])
def test_steps_by_hand_whose_gradients_pile_up(clears: bool, expected: list[str]) -> None:
    torch.manual_seed(0)
    network, (x, y) = dense(2, 32, 2), rings(640)
    with pellucid.watch() as watch:
        for _ in range(20):
            for half in torch.randperm(640).split(64):
                for rows in half.split(32):  # two passes a step
                    F.cross_entropy(network(x[rows]), y[rows]).backward()
                for weight in network.parameters():
                    assert weight.grad is not None
                    weight.data -= 0.2 * weight.grad
                    if clears:
                        weight.grad = None
    assert causes_of(watch)[:1] == expected


@pytest.mark.parametrize(("limit", "expected"), [(10.0, []), (0.02, ["clip-too-tight"])])
def test_clipping_where_weights_are_changed_by_hand(limit: float, expected: list[str]) -> None:
    torch.manual_seed(0)
    network, (x, y) = dense(2, 32, 2), rings(640)
    with pellucid.watch() as watch:
        for _ in range(25):
            for rows in torch.randperm(640).split(32):
                for weight in network.parameters():
                    weight.grad = None
                F.cross_entropy(network(x[rows]), y[rows]).backward()
                nn.utils.clip_grad_norm_(network.parameters(), limit)
                for weight in network.parameters():
                    assert weight.grad is not None
                    weight.data -= 0.5 * weight.grad
    assert causes_of(watch)[:1] == expected


def test_weighted_classes_are_judged_by_the_share_of_each_that_is_found() -> None:
    """Being right on the common class is not what the script asks for, and simpler models are no measure of it."""
    torch.manual_seed(0)
    x, rare = torch.randn(1500, 2), (torch.arange(1500) % 12 == 0).float()
    x += 1.6 * rare[:, None]
    network, weight = dense(2, 8, 1), torch.tensor([11.0])

    def weighted(scores: Tensor, y: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(scores.squeeze(1), y, pos_weight=weight)

    with pellucid.watch() as watch:
        train(network, (x, rare), weighted)
    assert causes_of(watch) == []
    progress, recalls = progress_of(watch.seen), watch.seen.after.recalls
    assert recalls is not None
    assert progress.gain == pytest.approx(recalls[0.0] + recalls[1.0] - 1)  # Youden's J
    assert progress.short is None


@pytest.mark.parametrize(("batch", "expected"), [(2, ["batch-size"]), (64, [])])
def test_samples_told_from_the_others_of_their_batch(batch: int, expected: list[str]) -> None:
    torch.manual_seed(0)
    things_NF = torch.randn(512, 6)
    one_NF, other_NF = things_NF @ torch.randn(6, 12), things_NF @ torch.randn(6, 10)
    left, right = dense(12, 32, 8), dense(10, 32, 8)
    optimizer = torch.optim.Adam([*left.parameters(), *right.parameters()], lr=5e-3)
    with pellucid.watch() as watch:
        for _ in range(4 if batch == 2 else 30):
            for rows in torch.randperm(512).split(batch):
                optimizer.zero_grad()
                alike = F.normalize(left(one_NF[rows])) @ F.normalize(right(other_NF[rows])).T / 0.1
                F.cross_entropy(alike, torch.arange(len(rows))).backward()
                optimizer.step()
    assert causes_of(watch)[:1] == expected


@pytest.mark.parametrize(("epochs", "expected"), [(4, ["too-few-epochs"]), (80, [])])
def test_a_loss_without_a_score_that_still_falls(epochs: int, expected: list[str]) -> None:
    """A likelihood passes zero, so that its fall is compared with all it fell."""
    torch.manual_seed(0)
    x = torch.rand(1200, 1) * 4 - 2
    data = x, torch.randn(1200, 1) * (3 * (2 * x).sin() - 3).exp()
    network = dense(1, 48, 48, 1)

    def likelihood(log_std: Tensor, y: Tensor) -> Tensor:
        return (log_std + 0.5 * (y * (-log_std).exp()).square()).mean()

    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(epochs, 20))
    with pellucid.watch() as watch:
        train(network, data, likelihood, optimizer=optimizer, epochs=epochs, after_epoch=schedule.step)
    assert causes_of(watch) == expected


def test_rollouts_are_in_no_order() -> None:
    """A critic's targets rise while the policy learns: that is no data set that was not shuffled."""
    torch.manual_seed(0)
    critic = dense(4, 32, 1)
    optimizer = torch.optim.Adam(critic.parameters(), lr=5e-3)
    with pellucid.watch() as watch:
        for step in range(300):
            x_BF = torch.randn(32, 4)
            returns_B = x_BF.sum(1) + step / 10
            optimizer.zero_grad()
            (critic(x_BF).squeeze(1) - returns_B).square().mean().backward()
            optimizer.step()
    assert "missing-shuffle" not in causes_of(watch)


class Heads(nn.Module):
    """Three questions about a point, each answered by a head of its own, the last by a single number."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = dense(2, 32, 16)
        self.heads = nn.ModuleDict({"ring": nn.Linear(16, 2), "sector": nn.Linear(16, 8), "right": nn.Linear(16, 1)})

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        hidden = self.trunk(x).relu()
        return {name: head(hidden) for name, head in self.heads.items()}


@pytest.mark.parametrize("shuffled", [True, False])
@pytest.mark.parametrize("epochs", [2, 12])
def test_losses_of_several_heads_in_a_loop(shuffled: bool, epochs: int) -> None:
    """The tasks' targets differ, batch by batch they do not; and a head of one unit hides nothing."""
    torch.manual_seed(0)
    x, ring = rings(640)
    angle = torch.atan2(x[:, 1], x[:, 0])
    y = {
        "ring": ring,
        "sector": ((angle + math.pi) / (2 * math.pi) * 8).long().clamp(0, 7),
        "right": (x[:, 0] > 0).float(),
    }
    network = Heads()
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    in_order = y["sector"].argsort(stable=True)
    with pellucid.watch() as watch:
        for _ in range(epochs):
            for rows in (torch.randperm(640) if shuffled else in_order).split(32):
                optimizer.zero_grad()
                total = torch.zeros(())
                for name, logits in network(x[rows]).items():
                    if name == "right":
                        total = total + F.binary_cross_entropy_with_logits(logits[:, 0], y[name][rows])
                    else:
                        total = total + F.cross_entropy(logits, y[name][rows])
                total.backward()
                optimizer.step()
    found = causes_of(watch)
    assert "capacity-low" not in found
    assert ("missing-shuffle" in found) == (not shuffled)
