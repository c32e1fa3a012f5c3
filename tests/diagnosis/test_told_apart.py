"""What looks like a fault and is none, beside the fault itself."""

from collections.abc import Callable, Iterable
from typing import Literal

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import pellucid
from pellucid.diagnosis import Watch
from pellucid.diagnosis.causes.progress import progress_of
from tests.diagnosis.small_trainings import causes_of, dense, rings, train


def codes(samples: int) -> tuple[Tensor, Tensor]:
    x_NF = torch.randint(0, 2, (samples, 12)).float()
    return x_NF * 2 - 1, x_NF.sum(1).remainder(3).long()


def test_codes_that_come_again_are_no_leak_and_copied_measurements_are() -> None:
    torch.manual_seed(0)
    with pellucid.watch() as few:
        train(dense(12, 32, 3), codes(800), F.cross_entropy, test=codes(60))
    assert "split-leak" not in causes_of(few)
    assert few.seen.after.leaked > 0.05
    assert few.seen.after.by_chance == pytest.approx(1 - (1 - 2**-12) ** 800, rel=0.2)
    with pellucid.watch() as fewer:
        train(dense(12, 32, 3), codes(800), F.cross_entropy, test=codes(600))
    assert "split-leak" not in causes_of(fewer)
    assert fewer.seen.after.by_chance == 1.0  # they come again within the evaluation, too
    data, test = rings(600), rings(200)
    test[0][:40] = data[0][:40]
    with pellucid.watch() as copied:
        train(dense(2, 32, 2), data, F.cross_entropy, test=test)
    assert "split-leak" in causes_of(copied)
    assert copied.seen.after.by_chance == 0.0


class Looked(nn.Module):
    """Finds a value by its key: a sample is more than its keys."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = dense(6, 32, 2)

    def forward(self, keys_BK: Tensor, values_BK: Tensor) -> Tensor:
        result: Tensor = self.layers(torch.cat((keys_BK, values_BK), 1))
        return result


def test_samples_of_several_tensors_are_not_known_by_their_first() -> None:
    torch.manual_seed(0)
    network, keys_NK = Looked(), torch.eye(3)[torch.randint(0, 3, (640,))]
    values_NK = torch.randn(640, 3)
    y_N = ((keys_NK * values_NK).sum(1) > 0).long()
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    with pellucid.watch() as watch:
        for _ in range(10):
            for rows in torch.randperm(480).split(32):
                optimizer.zero_grad()
                F.cross_entropy(network(keys_NK[rows], values_NK[rows]), y_N[rows]).backward()
                optimizer.step()
            with torch.no_grad():
                F.cross_entropy(network(keys_NK[480:], values_NK[480:]), y_N[480:])
    assert watch.seen.networks[0].takes_several
    assert "split-leak" not in causes_of(watch)


def pinball(prediction_BQ: Tensor, y_B: Tensor) -> Tensor:
    error_BQ = y_B[:, None] - prediction_BQ
    levels_Q = torch.tensor([0.1, 0.5, 0.9])
    return torch.maximum(levels_Q * error_BQ, (levels_Q - 1) * error_BQ).mean()


def test_several_quantiles_of_one_value_are_no_wrong_width_and_counts_no_classes() -> None:
    torch.manual_seed(0)
    x_NF = torch.randn(800, 3)
    with pellucid.watch() as quantiles:
        train(dense(3, 32, 3), (x_NF, x_NF.sum(1) + torch.randn(800)), pinball)
    assert not causes_of(quantiles)
    counts_N = torch.poisson((0.5 * x_NF[:, 0]).exp())
    with pellucid.watch() as counts:
        train(dense(3, 32, 1), (x_NF, counts_N), lambda said, y: F.poisson_nll_loss(said[:, 0], y))
    assert not causes_of(counts)


@pytest.mark.parametrize(("limit", "expected"), [(1e-4, ["clip-too-tight"]), (0.5, [])])
def test_clipping_number_by_number_is_judged_by_what_it_leaves(limit: float, expected: list[str]) -> None:
    torch.manual_seed(0)
    network = dense(2, 32, 2)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.3)
    with pellucid.watch() as watch:
        train(
            network,
            rings(600),
            F.cross_entropy,
            optimizer=optimizer,
            after_backward=lambda: nn.utils.clip_grad_value_(network.parameters(), limit),
        )
    assert causes_of(watch)[:1] == expected


@pytest.mark.parametrize(("mode", "expected"), [("max", ["scheduler-misuse"]), ("min", [])])
def test_a_schedule_that_waits_for_a_loss_to_rise_is_heard(mode: Literal["max", "min"], expected: list[str]) -> None:
    torch.manual_seed(0)
    network = dense(2, 32, 2)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    falling = iter(1 / (epoch + 1) for epoch in range(40))
    with pellucid.watch() as watch:
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode=mode, factor=0.1, patience=0)
        train(
            network,
            rings(320),
            F.cross_entropy,
            optimizer=optimizer,
            epochs=40,
            after_epoch=lambda: schedule.step(next(falling)),
        )
    assert [(each.kind, each.calls) for each in watch.seen.schedulers] == [("ReduceLROnPlateau", 40)]
    assert causes_of(watch)[:1] == expected


def by_hand(draw: Callable[..., Tensor]) -> Watch:
    """Train weights that belong to no module, by steps that no optimiser makes."""
    torch.manual_seed(0)
    x_NF, y_N = rings(480)
    weights = [draw(2, 24), torch.zeros(24), draw(24, 2), torch.zeros(2)]
    for weight in weights:
        weight.requires_grad_()
    with pellucid.watch() as watch:
        for _ in range(25):
            for rows in torch.randperm(480).split(32):
                loss = F.cross_entropy(
                    (x_NF[rows] @ weights[0] + weights[1]).tanh() @ weights[2] + weights[3], y_N[rows]
                )
                for weight, gradient in zip(
                    weights, torch.autograd.grad(loss, weights, retain_graph=True), strict=True
                ):
                    weight.grad = None
                    del gradient
                loss.backward()
                with torch.no_grad():
                    for weight in weights:
                        assert weight.grad is not None
                        weight.sub_(0.3 * weight.grad)
    return watch


def test_weights_of_no_module_that_begin_alike_are_seen() -> None:
    assert causes_of(by_hand(torch.zeros))[:1] == ["symmetric-init"]
    assert not causes_of(by_hand(torch.randn))


class Reader(nn.Module):
    """Tells the last command at every moment, and its state."""

    def __init__(self) -> None:
        super().__init__()
        self.gru, self.out = nn.GRU(1, 16, batch_first=True), nn.Linear(16, 1)

    def forward(self, x_BTC: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        states_BTH, state = self.gru(x_BTC, state)
        return self.out(states_BTH)[..., 0], state


@pytest.mark.parametrize(("keeps", "expected"), [(False, ["state-carryover"]), (True, [])])
def test_stretches_that_follow_each_other_need_the_state_of_the_one_before(keeps: bool, expected: list[str]) -> None:
    torch.manual_seed(0)
    said_BT = (torch.rand(32, 320) < 0.08) * torch.randn(32, 320).sign()
    said_BT[:, 0] = 1
    at_BT = torch.where(said_BT != 0, torch.arange(320), 0).cummax(1).values
    current_BT = (said_BT.gather(1, at_BT) > 0).float()
    network = Reader()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    with pellucid.watch() as watch:
        for _ in range(8):
            state: Tensor | None = None
            for stretch in torch.arange(320).split(4):
                part = slice(int(stretch[0]), int(stretch[-1]) + 1)
                logits_BT, last = network(said_BT[:, part, None], state)
                optimizer.zero_grad()
                F.binary_cross_entropy_with_logits(logits_BT, current_BT[:, part]).backward()
                optimizer.step()
                state = last.detach() if keeps else None
    (seen,) = watch.seen.networks
    assert seen.followed > 50
    assert (seen.carried > 50) == keeps
    assert [cause for cause in causes_of(watch) if cause == "state-carryover"] == expected


class Residual(nn.Module):
    """Adds up what its blocks compute, normalised or as it is."""

    def __init__(self, normalised: bool) -> None:
        super().__init__()
        self.stem, self.out = nn.Linear(4, 24), nn.Linear(24, 1)
        self.blocks = nn.ModuleList(dense(24, 48, 24) for _ in range(10))
        self.norm = nn.LayerNorm(24) if normalised else nn.Identity()
        for name, weight in self.blocks.named_parameters():
            if name.endswith("weight"):
                nn.init.kaiming_normal_(weight)

    def forward(self, x_BF: Tensor) -> Tensor:
        x_BF = self.stem(x_BF)
        for block in self.blocks:
            x_BF = x_BF + block(self.norm(x_BF))
        result: Tensor = self.out(self.norm(x_BF))[:, 0]
        return result


@pytest.mark.parametrize(("normalised", "expected"), [(False, ["exploding-gradient"]), (True, [])])
def test_a_fresh_network_that_bursts_is_told_by_its_first_loss(normalised: bool, expected: list[str]) -> None:
    torch.manual_seed(0)
    x_NF = torch.randn(640, 4)
    with pellucid.watch() as watch:
        train(Residual(normalised), (x_NF, (x_NF[:, 0] * x_NF[:, 1]).sin()), F.mse_loss, epochs=12)
    assert causes_of(watch)[:1] == expected


def test_a_linear_network_lacks_nothing_where_a_line_is_all_there_is() -> None:
    torch.manual_seed(0)
    x_NF = torch.randn(640, 4)

    def learn(y_N: Tensor) -> Iterable[str]:
        network = nn.Sequential(nn.Linear(4, 16), nn.Linear(16, 1), nn.Flatten(0))
        with pellucid.watch() as watch:
            train(network, (x_NF, y_N), F.mse_loss, epochs=3, optimizer=torch.optim.SGD(network.parameters(), lr=1e-3))
        return causes_of(watch)

    assert "missing-nonlinearity" not in learn(x_NF @ torch.randn(4))
    assert "missing-nonlinearity" in learn((3 * x_NF[:, 0]).sin() * x_NF[:, 1])


def test_an_evaluation_is_scored_by_all_of_its_batches() -> None:
    torch.manual_seed(0)
    network, (x_NF, y_N) = dense(2, 32, 2), rings(480)
    with pellucid.watch() as watch:
        train(network, (x_NF, y_N), F.cross_entropy)
        with torch.no_grad():
            right = [(network(x_NF[at]).argmax(1) == target).float().mean().item() for at, target in _batches(y_N)]
            for at, target in _batches(y_N):
                F.cross_entropy(network(x_NF[at]), target)
    assert min(right) < max(right)
    assert progress_of(watch.seen).best_test == pytest.approx(sum(right) / len(right), abs=0.01)


def _batches(y_N: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Split the samples into batches of equal size, in an order in which half of the labels of the last are wrong."""
    wrong_N = y_N.clone()
    wrong_N[-60:] = 1 - wrong_N[-60:]
    return [(at, wrong_N[at]) for at in torch.arange(len(y_N)).split(120)]


@pytest.mark.parametrize(("copied", "expected"), [(0, []), (60, ["split-leak"])])
def test_a_sample_is_known_by_what_the_first_of_a_chain_of_networks_is_given(copied: int, expected: list[str]) -> None:
    torch.manual_seed(0)
    (x, y), (test_x, test_y) = rings(600), rings(200)
    test_x[:copied], test_y[:copied] = x[:copied], y[:copied]
    backbone, head = nn.Sequential(nn.Linear(2, 32), nn.ReLU()), nn.Linear(32, 2)
    optimizer = torch.optim.Adam([*backbone.parameters(), *head.parameters()], lr=5e-3)
    with pellucid.watch() as watch:
        for _ in range(25):
            for rows in torch.randperm(600).split(32):
                optimizer.zero_grad()
                F.cross_entropy(head(backbone(x[rows]) * 1.0), y[rows]).backward()
                optimizer.step()
            with torch.no_grad():
                F.cross_entropy(head(backbone(test_x) * 1.0), test_y)
    assert causes_of(watch) == expected
    assert watch.seen.after.leaked == pytest.approx(copied / 200)
    assert watch.seen.after.distinct == 600
    assert min((watch.seen.after.recalls or {}).values()) > 0.9  # of what was said while training: a chain is not asked


def test_a_discriminator_reads_from_no_generator() -> None:
    torch.manual_seed(0)
    maker, judge = nn.Linear(4, 8), nn.Linear(8, 1)
    optimizer = torch.optim.SGD([*maker.parameters(), *judge.parameters()], lr=0.1)
    with pellucid.watch() as watch:
        for _ in range(20):
            for samples in (maker(torch.randn(16, 4)), torch.randn(16, 8)):  # the made ones first
                optimizer.zero_grad()
                F.binary_cross_entropy_with_logits(judge(samples), torch.ones(16, 1)).backward()
                optimizer.step()
    assert [network.reads_from for network in watch.seen.networks] == [0, 0]


@pytest.mark.parametrize(("code", "expected"), [(1, ["capacity-low"]), (6, [])])
def test_a_code_too_short_is_told_by_principal_components(code: int, expected: list[str]) -> None:
    torch.manual_seed(0)
    x = torch.randn(800, 5) @ torch.randn(5, 20) / 5**0.5 + 0.05 * torch.randn(800, 20)
    network = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, code), nn.Linear(code, 32), nn.ReLU())
    network.append(nn.Linear(32, 20))
    with pellucid.watch() as watch:
        train(network, (x, x), F.mse_loss, epochs=30)
    assert causes_of(watch) == expected
    shares = torch.linalg.svdvals(x - x.mean(0)).square().cumsum(0)
    assert watch.seen.after.components == pytest.approx((shares / shares[-1]).tolist(), abs=1e-5)


@pytest.mark.parametrize(("moves", "expected"), [(True, []), (False, ["batch-mixing"])])
def test_a_view_for_a_transpose_is_seen_within_a_sample_too(moves: bool, expected: list[str]) -> None:
    torch.manual_seed(0)
    x_BTF, y_B, at_B = torch.randn(800, 30, 3), torch.arange(800) % 2, torch.randint(0, 25, (800,))
    for sample in range(800):
        x_BTF[sample, at_B[sample] : at_B[sample] + 5, 0] += (2 * y_B[sample] - 1) * torch.tensor([3.0, -3, 3, -3, 3])
    layers = nn.ModuleList([nn.Linear(3, 8), nn.Conv1d(8, 16, 5), nn.Linear(16, 2)])

    class Detector(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = layers

        def forward(self, x_BTF: Tensor) -> Tensor:
            seen_BTC = self.layers[0](x_BTF)
            seen_BCT = seen_BTC.transpose(1, 2) if moves else seen_BTC.view(len(x_BTF), 8, -1)
            scores: Tensor = self.layers[2](self.layers[1](seen_BCT).relu().mean(2))
            return scores

    with pellucid.watch() as watch:
        train(Detector(), (x_BTF, y_B), F.cross_entropy, epochs=25)
    assert causes_of(watch) == expected


@pytest.mark.parametrize(("flipped", "expected"), [(0.0, []), (0.3, ["label-noise"])])
def test_several_labels_of_a_sample_are_compared_with_those_of_its_neighbours(
    flipped: float, expected: list[str]
) -> None:
    torch.manual_seed(0)
    x = torch.randn(1200, 3)
    held = (x > 0).float()
    labels = torch.where(torch.rand(1200, 3) < flipped, 1 - held, held)
    with pellucid.watch() as watch:
        train(dense(3, 24, 3), (x, labels), F.binary_cross_entropy_with_logits, epochs=8)
    assert causes_of(watch) == expected
    assert watch.seen.after.contradicted == pytest.approx(flipped, abs=0.05)
    assert watch.seen.after.chance == pytest.approx(0.5, abs=0.05)
