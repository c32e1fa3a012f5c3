"""The race as a program: of plain PyTorch on a classic surface; on a slice pellucid makes the network and the plane."""

from collections.abc import Mapping

from pellucid.seed import derive
from pellucid.studio.exhibits.race.grounds import Classic, Ground
from pellucid.studio.exhibits.race.optimisers import arguments
from pellucid.studio.exhibits.race.settings import RaceSettings
from pellucid.studio.exhibits.race.slices import DATA, KEPT, NETWORK, ROWS, TRAINED
from pellucid.studio.exhibits.race.surfaces import Place

_SCHEDULES = {
    "constant": "    return 1.0",
    "linear": "    return 1 - step / steps",
    "cosine": "    return (1 + math.cos(math.pi * (step / steps))) / 2",
    "step": "    return 0.1 ** (3 * step // steps)",
    "one-cycle": """    peak, last = round(0.3 * steps) - 1, steps - 1
    if step <= peak:
        return 1.0 + (1 / 25 - 1.0) * (1 + math.cos(math.pi * (step / peak))) / 2
    end = 1 / 25 * 1e-4
    return end + (1.0 - end) * (1 + math.cos(math.pi * ((step - peak) / max(1, last - peak)))) / 2""",
}
_LOOP = """

start, steps = {start}, {steps}


def factor(step):
{schedule}


optimisers = {{
{optimisers}
}}
ends = {{}}
for name, (make, rate) in optimisers.items():
    place = torch.tensor([start], dtype=torch.float64, requires_grad=True)
    optimizer = make([place])
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * factor(step)

        def closure():
            optimizer.zero_grad()
            loss = loss_at(place[0], step)
            loss.backward()
            return loss

        optimizer.step(closure)
        if not place.isfinite().all():
            break
    ends[name] = place.detach()[0].tolist()
    print(f"{{name}}: after {{step + 1}} steps at {{ends[name]}}, loss {{loss_at(place[0]).item():.6g}}")
"""
_CLASSIC = """

{source}
{noise}
def loss_at(place, step=None):
    {loss}
"""
_NOISE = """
noise = {noise!r} * torch.randn({steps}, 2, generator=torch.Generator().manual_seed({seed}), dtype=torch.float64)

"""
_TRAIN = """
data = {data}
recipe = Recipe(
    epochs={steps}, seed={seed}, optimizer="adam", learning_rate=0.01, weight_decay=0.0, schedule="constant",
    augment="none", device="cpu", threads=1,
)
session = begin(data, {network}, recipe).session
states = {{0: {{name: each.detach().clone() for name, each in session.network.named_parameters()}}}}
for _ in advance(session, every=2**62):
    step = session.progress.step
    if step in kept_steps({steps}, 1, {kept}) and step not in states:
        states[step] = {{name: each.detach().clone() for name, each in session.network.named_parameters()}}
    if step >= {steps}:
        break
network, data, task = session.network, session.data, session.task
"""
_RUN = """
run = pellucid.open_run({folder!r})
network, data = run.model(), run.data()
task = task_for(data, run.recipe)
"""
_GIVEN = """
# `network` and `data` are those that the studio was opened with, `data` as `pellucid.load` returns it
task = task_for(data, fill_in(Recipe(), data))
"""
_PLANE = """
rows = data.rows["train"]
rows = rows[torch.randperm(len(rows), generator=generator({seed}, "surface"))[:{rows}]]
objective = Objective(network, task.loss, *data.batch(rows), rows_at_once={rows}).in_double()
objective.network.eval()
own = objective.weights
d, e = {directions}


def loss_at(place, step=None):
    chosen = objective{batch}
    return chosen.at({{name: own[name] + place[0] * d[name] + place[1] * e[name] for name in own}})
"""
_BATCH = """
    if step is not None:
        taken = torch.randperm(len(rows), generator=generator({seed}, "batch", step))[:{batch}]
        chosen = dataclasses.replace(objective, inputs=objective.inputs[taken], targets=objective.targets[taken])"""
_IMPORTS = """import dataclasses
import math

import pellucid
import torch
from pellucid.explain.landscape.directions import filter_normalised, principal
from pellucid.explain.landscape.objective import Objective
from pellucid.explain.landscape.path import kept_steps
from pellucid.recipe import Recipe
from pellucid.seed import generator
from pellucid.training import begin
from pellucid.training.defaults import fill_in
from pellucid.training.loop import advance
from pellucid.training.tasks import task_for
"""


def program(
    settings: RaceSettings, ground: Ground, start: Place, rates: Mapping[int, float], runs: str, of: str
) -> str:
    """Return the program of a race to its end.

    Args:
        settings: of the race.
        ground: what it runs on.
        start: x and y.
        rates: the learning rate of each lane that runs, by its number.
        runs: the folder of the studio's runs.
        of: whose loss a slice is of.
    """
    head = _classic(settings, ground) if isinstance(ground, Classic) else _slice(settings, runs, of)
    lanes = (f'    "{k + 1} {settings.lanes[k].rule}": ({_made(settings, k, rates[k])}, {rates[k]!r}),' for k in rates)
    return head + _LOOP.format(
        start=tuple(map(float, start)), steps=settings.steps, schedule=_SCHEDULES[settings.schedule],
        optimisers="\n".join(lanes),
    )  # fmt: skip


def _made(settings: RaceSettings, number: int, rate: float) -> str:
    name, given = arguments(settings.lanes[number], rate)
    written = ", ".join(f"{key}={value!r}" for key, value in given.items())
    return f"lambda places: torch.optim.{name}(places, {written})"


def _classic(settings: RaceSettings, ground: Classic) -> str:
    noise, loss = "\n", f"return {ground.surface.function.__name__}(place[0], place[1]"
    loss += "".join(f", {name}={value!r}" for name, value in ground.more.items()) + ")"
    if ground.is_noisy:
        noise = _NOISE.format(noise=settings.noise, steps=settings.steps, seed=derive(settings.seed, "noise"))
        loss = f"height = {loss.removeprefix('return ')}\n    "
        loss += "return height if step is None else height + (noise[step] * place).sum()"
    source = ground.surface.source()
    return "import math\n\nimport torch\n" + _CLASSIC.format(source=source, noise=noise, loss=loss)


def _slice(settings: RaceSettings, runs: str, of: str) -> str:
    seed = settings.seed
    trained = {"steps": TRAINED, "kept": KEPT, "seed": seed}
    subject = {
        "small": _TRAIN.format(data=f'pellucid.load("{DATA}")', network=repr(NETWORK), **trained),
        "run": _RUN.format(folder=f"{runs}/{settings.run}"),
        "data": "\n# `data` is what the studio was opened with" + _TRAIN.format(data="data", network=None, **trained),
        "given": _GIVEN,
    }[of]
    directions = f"(filter_normalised(objective.network, {seed}, number) for number in (0, 1))"
    if settings.directions == "principal":
        directions = "principal(list(states.values()), own)"
    batch = _BATCH.format(seed=seed, batch=settings.batch) if settings.batch else ""
    return _IMPORTS + subject + _PLANE.format(seed=seed, rows=ROWS, directions=directions, batch=batch)
