"""Autoencoders: their loss and figures against torch's distributions and scikit-learn, and what they reach."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor, nn
from torch.distributions import Independent, Normal, kl_divergence

from pellucid.blocks import Sample
from pellucid.data import Dataset, load
from pellucid.errors import DataError, NotationError, OptionError
from pellucid.networks import build, fit_to, learns
from pellucid.recipe import Recipe
from pellucid.seed import isolated, seed_torch
from pellucid.shapes import Image
from pellucid.training import begin, fit
from pellucid.training.checks import overfit_one_batch, range_test
from pellucid.training.device import choose_device
from pellucid.training.evaluation import evaluate
from pellucid.training.rules import Reconstructing
from pellucid.training.tasks import Reconstruction, task_for
from pellucid.training.tasks.reconstructed import code_size, decoder_of, principal
from pellucid.training.tasks.reconstruction import codes_of

DEVICE = choose_device(Recipe(device="cpu"))
DIGITS = load("digits", task="reconstruction")
IRIS = load("iris", task="reconstruction")


def measured(network: nn.Module, data: Dataset = DIGITS, **options: Any) -> dict[str, float]:
    return evaluate(network, data, task_for(data, Recipe(**options)), "test", DEVICE)


def trained(network: str, data: Dataset = DIGITS, **options: Any) -> nn.Module:
    recipe = Recipe(**{"device": "cpu", "threads": 1, **options})
    session = begin(data, network, recipe).session
    assert fit(session)
    session.network.load_state_dict(session.best_weights)
    return session.network.eval()


def rows(data: Dataset, split: Any = "test") -> np.typing.NDArray[np.float64]:
    prepared: Tensor = data.split(split)[0]
    return prepared.flatten(1).double().numpy()


def error_of_pca(data: Dataset, code: int) -> float:
    """Return the squared error that scikit-learn's PCA of the training rows leaves on the test rows."""
    pca = PCA(code).fit(rows(data, "train"))
    return float(mean_squared_error(rows(data), pca.inverse_transform(pca.transform(rows(data)))))


@pytest.mark.covers("B10")
def test_the_figures_are_scikit_learns() -> None:
    network = build("8x8x1 -> autoencoder(3)", seed=0).eval()
    figures = measured(network)
    with torch.no_grad():
        outputs = network(DIGITS.split("test")[0])
    given = outputs.flatten(1).double().numpy()
    assert figures["mse"] == pytest.approx(mean_squared_error(rows(DIGITS), given), rel=1e-6)
    assert figures["loss"] == pytest.approx(figures["mse"], rel=1e-6)
    assert figures["rmse"] == pytest.approx(math.sqrt(figures["mse"]))
    # weighted by the variance of each number, so that pixels that are always white count for nothing
    varying = rows(DIGITS).std(0) > 0
    constant = ((rows(DIGITS) - given) ** 2)[:, ~varying].sum() / ((rows(DIGITS) - rows(DIGITS).mean(0)) ** 2).sum()
    expected = r2_score(rows(DIGITS)[:, varying], given[:, varying], multioutput="variance_weighted") - constant
    assert figures["r2"] == pytest.approx(expected, rel=1e-6)
    shown = DIGITS.preprocessing.restore(outputs)
    assert isinstance(shown, Tensor)
    pixels = mean_squared_error(DIGITS.inputs[DIGITS.rows["test"]].flatten(1).double(), shown.flatten(1).double())
    assert figures["psnr"] == pytest.approx(10 * math.log10(255**2 / pixels))


def test_a_network_that_gives_back_what_it_gets_makes_no_error() -> None:
    figures = measured(nn.Identity())
    assert figures == {"loss": 0, "mse": 0, "rmse": 0, "r2": 1, "psnr": math.inf}
    mean = nn.Module()
    mean.forward = lambda x: torch.zeros_like(x) + DIGITS.split("test")[0].mean(0)
    assert measured(mean)["r2"] == pytest.approx(0, abs=1e-6)


@pytest.mark.covers("B10")
@pytest.mark.parametrize("beta", [1.0, 0.3])
def test_the_bound_is_that_of_torchs_distributions(beta: float) -> None:
    network = build(f"8x8x1 -> autoencoder(4, variational=yes, beta={beta})", seed=0).eval()
    figures = measured(network)
    inputs = DIGITS.split("test")[0]
    seen: list[Tensor] = []
    sample = next(module for module in network.modules() if isinstance(module, Sample))
    sample.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with isolated(), torch.no_grad():
        seed_torch(0, "samples")
        sample.train()
        outputs = network(inputs)
    mean, log_variance = seen[0].double().chunk(2, dim=1)
    code = Independent(Normal(mean, (log_variance / 2).exp()), 1)
    prior = Independent(Normal(torch.zeros_like(mean), torch.ones_like(mean)), 1)
    fit_B = Independent(Normal(outputs.double(), math.sqrt(beta)), 3).log_prob(inputs.double())
    divergence = float(kl_divergence(code, prior).mean())
    assert figures["divergence"] == pytest.approx(divergence, rel=1e-5)
    assert figures["reconstruction"] == pytest.approx(float(fit_B.mean()), rel=1e-5)
    assert figures["elbo"] == pytest.approx(float(fit_B.mean()) - divergence, rel=1e-5)
    # the loss is minus the bound, times 2 beta / D, without its constant
    constant = 32 * math.log(2 * math.pi * beta)
    assert figures["loss"] == pytest.approx((-figures["elbo"] - constant) * 2 * beta / 64, rel=1e-5)
    assert measured(network) == figures, "what is drawn is drawn alike each time"
    assert not sample.training


def test_the_gradient_is_that_of_the_loss_with_its_divergence() -> None:
    session = begin(DIGITS, "autoencoder(4, variational=yes, beta=0.5)", Recipe(device="cpu", optimizer="sgd")).session
    assert isinstance(session.rule, Reconstructing)
    inputs, targets = DIGITS.batch(DIGITS.rows["train"][:32])
    session.network.train()
    seed_torch(0, "step", 0)
    before = {name: parameter.detach().clone() for name, parameter in session.network.named_parameters()}
    loss, norm = session.rule.step(session, inputs, targets, measure=True)
    after = {name: parameter.grad for name, parameter in session.network.named_parameters()}
    session.network.load_state_dict(before, strict=False)
    session.network.zero_grad()
    seed_torch(0, "step", 0)
    seen: list[Tensor] = []
    sample = next(module for module in session.network.modules() if isinstance(module, Sample))
    sample.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    outputs = session.network(inputs)
    expected = (outputs - inputs).square().mean() + 2 * 0.5 / 64 * Sample.divergence(seen[0]).mean()
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-6)
    for name, parameter in session.network.named_parameters():
        assert parameter.grad is not None
        assert after[name] is not None
        assert torch.allclose(parameter.grad, after[name], atol=1e-7)  # type: ignore[arg-type]
    assert norm > 0
    with codes_of(session.network) as codes:
        session.network(inputs)
    assert len(codes.found) == 1


@pytest.mark.covers("B10")
def test_pca_is_scikit_learns() -> None:
    reference = principal(DIGITS, 9)
    assert reference is not None
    given = reference(DIGITS.split("test")[0]).flatten(1).double().numpy()
    assert mean_squared_error(rows(DIGITS), given) == pytest.approx(error_of_pca(DIGITS, 9), rel=1e-5)


@pytest.mark.parametrize(
    ("arrows", "code"),
    [
        ("8x8x1 -> autoencoder(5)", 5),
        ("8x8x1 -> autoencoder(5, variational=yes)", 5),
        ("8x8x1 -> conv(3, 3x3, padding=same)", 64),
    ],
)
def test_the_code_is_the_narrowest_place(arrows: str, code: int) -> None:
    assert code_size(build(arrows).eval(), torch.zeros(2, 1, 8, 8)) == code


def test_the_decoder_stands_behind_the_one_random_code() -> None:
    network = build("8x8x1 -> autoencoder(5, variational=yes)").eval()
    decoder = decoder_of(network)
    assert decoder is not None
    with torch.no_grad():
        assert decoder(torch.zeros(2, 5)).shape == (2, 1, 8, 8)
    assert decoder_of(build("8x8x1 -> autoencoder(5)")) is None


def test_names_know_their_task_and_fit_the_data() -> None:
    assert learns("autoencoder(3)") == "reconstruction"
    plan, notes = fit_to("autoencoder(3)", Image(8, 8, 1), Image(8, 8, 1))
    assert plan.output == Image(8, 8, 1)
    assert notes == ("autoencoder: input 8x8x1 in place of 28x28x1",)
    beginning = begin(IRIS, None, Recipe(epochs=1, device="cpu"))
    assert isinstance(beginning.session.task, Reconstruction)
    assert beginning.session.recipe.augment == "none"


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(NotationError, match="not what the data asks for") as misfit:
        begin(DIGITS, "8x8x1 -> fc(10)", Recipe(device="cpu"))
    assert misfit.value.expected == "8x8x1"
    with pytest.raises(OptionError, match="does not go with reconstruction"):
        task_for(DIGITS, Recipe(loss="cross-entropy"))
    with pytest.raises(OptionError, match="metric 'accuracy'"):
        task_for(DIGITS, Recipe(metric="accuracy"))
    with pytest.raises(DataError, match="made for reconstruction"):
        begin(load("digits"), "autoencoder", Recipe(device="cpu"))


def test_one_batch_can_be_learned_by_heart_and_a_rate_be_found() -> None:
    session = begin(IRIS, "autoencoder(4, noise=2)", Recipe(device="cpu", threads=1)).session
    outcome = overfit_one_batch(session)
    assert outcome.passed, outcome
    variance = IRIS.split("train")[0].var(0, correction=0).mean()
    assert outcome.threshold == pytest.approx(0.1 * float(variance), rel=0.5)
    assert 1e-5 < range_test(session).suggestion < 1


@pytest.mark.covers("B10")
def test_a_linear_autoencoder_comes_to_what_pca_leaves() -> None:
    """Baldi and Hornik (1989): its squared error has one minimum, that of the principal components."""
    network = trained(
        "4 -> fc(2) -> fc(4)", IRIS, epochs=300, batch_size=32, learning_rate=0.02, weight_decay=0.0, metric="mse"
    )
    train = torch.from_numpy(rows(IRIS, "train"))
    with torch.no_grad():
        error = float((network(train.float()).double() - train).square().mean())
    reference = principal(IRIS, 2)
    assert reference is not None
    least = float((reference(train) - train).square().mean())
    assert least * 0.9999 < error < least * 1.02


@pytest.mark.slow
@pytest.mark.covers("B10")
def test_it_reconstructs_digits_better_than_pca_with_as_many_numbers() -> None:
    figures = measured(trained("autoencoder(16)", epochs=30))
    assert figures["mse"] < 0.75 * error_of_pca(DIGITS, 16)
    assert figures["r2"] > 0.88


@pytest.mark.slow
@pytest.mark.covers("B10")
@pytest.mark.parametrize("spoilt", ["noise=0.5", "masking=0.3"])
def test_denoising_brings_back_what_noise_took(spoilt: str) -> None:
    network = trained(f"autoencoder(32, {spoilt})", epochs=30)
    inputs = DIGITS.split("test")[0]
    generator = torch.Generator().manual_seed(0)
    if spoilt.startswith("noise"):
        noisy = inputs + 0.5 * torch.randn(inputs.shape, generator=generator)
    else:
        noisy = inputs * (torch.rand(inputs.shape, generator=generator) > 0.3) / 0.7
    with torch.no_grad():
        cleaned = network(noisy)
    before, after = (float((images - inputs).square().mean()) for images in (noisy, cleaned))
    assert after < 0.6 * before


@pytest.mark.slow
@pytest.mark.covers("B10")
def test_codes_drawn_at_random_become_digits() -> None:
    """What the decoder draws is nearer to a real digit than digits whose pixels are shuffled between the images."""
    decoder = decoder_of(trained("autoencoder(8, variational=yes, beta=0.3)", epochs=30))
    assert decoder is not None
    real, training = DIGITS.split("test")[0], torch.from_numpy(rows(DIGITS, "train"))
    with torch.no_grad(), isolated():
        seed_torch(0, "test")
        made = decoder(torch.randn(len(real), 8))
        shuffled = real.gather(0, torch.rand(real.shape).argsort(0))
    distance = [float(torch.cdist(x.flatten(1).double(), training).amin(1).mean()) for x in (made, shuffled)]
    assert distance[0] < 0.75 * distance[1]
    judge = KNeighborsClassifier(5).fit(training, load("digits").targets[DIGITS.rows["train"]])
    assert len(set(judge.predict(made.flatten(1).double().numpy()))) == 10
