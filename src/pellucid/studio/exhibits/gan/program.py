"""The training written as a program that needs torch and NumPy only."""

from pellucid.networks import Plan, to_source
from pellucid.studio.exhibits.gan.points import Points
from pellucid.studio.exhibits.gan.settings import GanSettings

_DISCRIMINATOR = {
    "minimax": "F.softplus(-real).mean() + F.softplus(made).mean()",
    "non-saturating": "F.softplus(-real).mean() + F.softplus(made).mean()",
    "hinge": "F.relu(1 - real).mean() + F.relu(1 + made).mean()",
    "wasserstein": "made.mean() - real.mean()",
}
_GENERATOR = {
    "minimax": "-F.softplus(made).mean()",
    "non-saturating": "F.softplus(-made).mean()",
    "hinge": "-made.mean()",
    "wasserstein": "-made.mean()",
}
_UNIT = """    share = torch.rand(len(batch), 1)
    places = (share * batch + (1 - share) * samples).requires_grad_()
    slopes = torch.autograd.grad(gan.discriminator(places).sum(), places, create_graph=True)[0]
    loss = loss + {penalty:g} * (slopes.norm(dim=1) - 1).square().mean()  # a slope of 1 (Gulrajani et al. 2017)
"""
_FLAT = """    places = batch.clone().requires_grad_()
    slopes = torch.autograd.grad(gan.discriminator(places).sum(), places, create_graph=True)[0]
    loss = loss + {penalty:g} * slopes.square().sum(1).mean() / 2  # a flat slope at real points (Mescheder et al. 2018)
"""
_LOOP = """

{points}
mean, scale = points.mean(0), points.std(0, correction=0)
prepared = (points - mean) / scale

torch.manual_seed({seed})
gan = Network().gan1
of_discriminator = torch.optim.Adam(gan.discriminator.parameters(), lr={discriminator_rate:g}, betas=(0.5, 0.999))
of_generator = torch.optim.Adam(gan.generator.parameters(), lr={generator_rate:g}, betas=(0.5, 0.999))

for step in range(1, {steps} + 1):
    batch = prepared[torch.randint(len(prepared), ({batch_size},))]
    with torch.no_grad():
        samples = gan.generator(batch)  # of the batch only its length is used
    real, made = gan.discriminator(batch), gan.discriminator(samples)
    loss = {of_discriminator}
{penalty}    of_discriminator.zero_grad()
    loss.backward()
    of_discriminator.step()
    if step % {critic_steps} == 0:
        made = gan.discriminator(gan.generator(batch))
        of_generator.zero_grad()
        ({of_generator}).backward()
        of_generator.step()
    if step % 500 == 0:
        print(step, loss.item())

with torch.no_grad():
    print(gan.generator(prepared[:10]) * scale + mean)
"""


def program(plan: Plan, settings: GanSettings, points: Points, steps: int = 5000) -> str:
    """Return a program that trains these networks on these points; its random numbers are its own."""
    penalty = ""
    if settings.penalty:
        penalty = (_UNIT if settings.loss == "wasserstein" else _FLAT).format(penalty=settings.penalty)
    loop = _LOOP.format(
        points=_points(points),
        seed=settings.seed,
        steps=steps,
        batch_size=settings.batch_size,
        critic_steps=settings.critic_steps,
        discriminator_rate=settings.discriminator_rate,
        generator_rate=settings.generator_rate,
        of_discriminator=_DISCRIMINATOR[settings.loss],
        of_generator=_GENERATOR[settings.loss],
        penalty=penalty,
    )
    network = to_source(plan)
    imports = "" if "import functional as F" in network else "from torch.nn import functional as F\n"
    return network.replace("from torch import Tensor, nn\n", f"from torch import Tensor, nn\n{imports}", 1) + loop


def _points(points: Points) -> str:
    """Return how the points come about: drawn from their law, or some of them written out."""
    law = points.law
    if law is not None:
        centres = ", ".join(f"[{x:.4g}, {y:.4g}]" for x, y in law.centres.tolist())
        return (
            f"centres = torch.tensor([{centres}])\n"
            f"torch.manual_seed({law.seed})\n"
            f"points = centres[torch.randint(len(centres), (20_000,))] + {law.deviation:g} * torch.randn(20_000, 2)"
        )
    rows = points.in_units(points.real).tolist()
    written = ", ".join(f"[{x:.5g}, {y:.5g}]" for x, y in rows)
    return f"# {len(rows)} of the {len(points.data):,} points\npoints = torch.tensor([{written}])"
