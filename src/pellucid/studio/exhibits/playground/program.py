"""The playground's training as a program that needs PyTorch alone."""

from pellucid.data import Dataset, SplitName, Values
from pellucid.networks import Plan, to_source
from pellucid.recipe import Recipe
from pellucid.studio.exhibits.playground.by_hand import BIAS, Weights
from pellucid.studio.exhibits.playground.points import Scatter

_FEATURES = {
    "x1": "x1", "x2": "x2", "x1_squared": "x1**2", "x2_squared": "x2**2", "x1_x2": "x1 * x2",
    "sin_x1": "x1.sin()", "sin_x2": "x2.sin()",
}  # fmt: skip
_LOSSES = {
    "cross-entropy": "F.cross_entropy(outputs, answers)",
    "map": "F.cross_entropy(F.pad(outputs, (0, 1), value=-1.0), answers)",
    "squared-error": "F.mse_loss(outputs, answers)",
    "absolute-error": "F.l1_loss(outputs, answers)",
    "huber": "F.huber_loss(outputs, answers)",
}
_OPTIMISERS = {
    "sgd": "SGD(groups, lr={rate})",
    "momentum": "SGD(groups, lr={rate}, momentum=0.9)",
    "nesterov": "SGD(groups, lr={rate}, momentum=0.9, nesterov=True)",
    "adagrad": "Adagrad(groups, lr={rate})",
    "rmsprop": "RMSprop(groups, lr={rate})",
    "adam": "Adam(groups, lr={rate})",
    "adamw": "AdamW(groups, lr={rate})",
}
_INITS = {
    "he": 'nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")',
    "xavier": "nn.init.xavier_uniform_(layer.weight)",
    "lecun": 'nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")',
    "small": "nn.init.uniform_(layer.weight, -0.03, 0.03)",
    "zeros": "nn.init.zeros_(layer.weight)",
}
_INIT = """for layer in network.modules():
    if isinstance(layer, nn.Linear):
        {}
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
"""
_BY_HAND = """layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
with torch.no_grad():  # set by hand before the first step
{lines}
"""
_PROGRAM = """{network}

torch.manual_seed({seed})
# x1, x2 and the answer: training points, then test points
points = torch.tensor([
{train}
])
test_points = torch.tensor([
{test}
])


def prepared(points: Tensor) -> tuple[Tensor, Tensor]:
    x1, x2, answers = points.T
    inputs = torch.stack([{features}], dim=1)
    return inputs, {answers}


inputs, answers = prepared(points)
mean, deviation = inputs.mean(0), inputs.std(0, correction=0)
inputs = (inputs - mean) / deviation
test_inputs, test_answers = prepared(test_points)
test_inputs = (test_inputs - mean) / deviation

network = Network()
{init}{by_hand}weights = [p for p in network.parameters() if p.ndim > 1]
others = [p for p in network.parameters() if p.ndim < 2]
groups = [{{"params": weights, "weight_decay": {weight_decay}}}, {{"params": others, "weight_decay": 0.0}}]
optimizer = torch.optim.{optimizer}


def loss_of(outputs: Tensor, answers: Tensor) -> Tensor:
    return {loss}


for epoch in range(1, 101):
    network.train()
    for rows in torch.randperm(len(inputs)).split({batch_size}):
        loss = loss_of(network(inputs[rows]), answers[rows]){penalty}
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 0:
        network.eval()
        with torch.no_grad():
            test_loss = float(loss_of(network(test_inputs), test_answers))
        print(f"epoch {{epoch}}: training loss {{loss.item():.4f}}, test loss {{test_loss:.4f}}")
"""


def program(
    plan: Plan, points: Scatter, data: Dataset, recipe: Recipe, features: tuple[str, ...], weights: Weights
) -> str:
    """Return the program: the network's source, the points, and the loop with this recipe.

    Its batches are drawn in another order than ours, and an L1 penalty is a term of the loss instead of a threshold
    after each step: the same minimum, other digits on the way. Weights set by hand while it trained are left out.
    """
    answers = "answers.long()"
    if not points.classes:
        assert isinstance(data.target, Values)
        mean, scale = data.target.mean[0], data.target.scale[0]
        answers = f"(answers[:, None] - {mean:.6g}) / {scale:.6g}"
    init = _INIT.format(_INITS[recipe.init]) if recipe.init in _INITS else ""
    source = to_source(plan)
    missing = [line for line in ("import torch", "from torch.nn import functional as F") if line not in source]
    return _PROGRAM.format(
        network="\n".join([*missing, source]),
        seed=recipe.seed,
        train=_rows(points, data, "train"),
        test=_rows(points, data, "validation"),
        features=", ".join(_FEATURES[name] for name in features),
        answers=answers,
        init=init,
        by_hand=_set_by_hand(weights),
        weight_decay=recipe.weight_decay,
        optimizer=_OPTIMISERS[recipe.optimizer].format(rate=recipe.learning_rate),
        loss=_LOSSES[recipe.loss or ("cross-entropy" if points.classes else "squared-error")],
        batch_size=recipe.batch_size,
        penalty=f" + {recipe.l1} * sum(w.abs().sum() for w in weights)" if recipe.l1 else "",
    )


def _set_by_hand(weights: Weights) -> str:
    lines = []
    for when, layer, unit, source, value in weights:
        target = f"bias[{unit}]" if source == BIAS else f"weight[{unit}, {source}]"
        if when == 0:
            lines.append(f"    layers[{layer}].{target} = {value}")
    return _BY_HAND.format(lines="\n".join(lines)) if lines else ""


def _rows(points: Scatter, data: Dataset, split: SplitName) -> str:
    rows = data.rows[split].numpy()
    written = (
        f"    [{x1:.5g}, {x2:.5g}, {answer:.6g}],"
        for (x1, x2), answer in zip(points.places[rows].tolist(), points.answers[rows].tolist(), strict=True)
    )
    return "\n".join(written)
