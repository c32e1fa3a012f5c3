"""The exhibit written otherwise: the network in arrows, and a program that looks into it."""

from pellucid.networks import to_source
from pellucid.studio.exhibit import Given
from pellucid.studio.exhibits.inside.settings import InsideSettings
from pellucid.studio.exhibits.inside.subject import Subject
from pellucid.studio.exhibits.inside.training import BATCH

_TRAINED = """import torch
{network}

EPOCHS, BATCH, LEARNING_RATE = 10, {batch}, {rate}


def train(network: Network, images: Tensor, classes: Tensor) -> None:
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    for epoch in range(1, EPOCHS + 1):
        network.train()
        for rows in torch.randperm(len(images)).split(BATCH):
            loss = nn.functional.cross_entropy(network(images[rows]), classes[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {{epoch}}: loss of the last batch {{loss.item():.3f}}")

{look}

if __name__ == "__main__":
    torch.manual_seed({seed})
{data}
    network = Network()
    train(network, images[100:], classes[100:])
    look_into(network.eval(), images[:1])
"""
_LOOK = '''
def look_into(network: nn.Module, image: Tensor) -> None:
    """Print what every layer gives for an image (1, C, H, W), and what of the image the answer rests on."""
    def told(name: str):
        return lambda _, __, output: print(name, tuple(output.shape), output.flatten()[:4])

    layers = [(name, layer) for name, layer in network.named_modules() if not list(layer.children())]
    hooks = [layer.register_forward_hook(told(name)) for name, layer in layers]
    outputs = network(image.requires_grad_())
    for hook in hooks:
        hook.remove()
    answer = outputs.argmax(1).item()
    print("answer", answer, "of", outputs.softmax(1))
    slopes, = torch.autograd.grad(outputs[0, answer], image)
    print("saliency", slopes.abs().amax(1))
'''
_DIGITS = """    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
    images = (pixels - {mean}) / {std}
    classes = torch.tensor(digits.target)"""
_LOADED = """    import pellucid

    data = pellucid.load({location!r})
    images, classes = data.split("train")"""
_RUN = """import torch
from torch import Tensor, nn

import pellucid
{look}

run = pellucid.open_run({folder!r})
network = run.model()
images, _ = run.data().split("test")
look_into(network, images[{image} : {behind}])
"""


def sources(subject: Subject, settings: InsideSettings, given: Given) -> dict[str, str]:
    """Return what there is: nothing of a module that came from Python, which is written there."""
    if subject.plan is None:
        return {}
    arrows = str(subject.plan)
    if subject.kind == "run":
        folder = str(given.runs / subject.name)
        return {
            "arrows": arrows,
            "pytorch": _RUN.format(look=_LOOK, folder=folder, image=settings.image, behind=settings.image + 1),
        }
    assert subject.training is not None, "what has a plan and is no run is trained here"
    data = subject.training.data
    if data.source.kind == "memory":
        return {"arrows": arrows}  # of data from Python no program can say where they are
    mean, std = subject.preprocessing.mean[0], subject.preprocessing.std[0]
    location = data.source.location
    read = _DIGITS.format(mean=mean, std=std) if location == "digits" else _LOADED.format(location=location)
    written = _TRAINED.format(
        network=to_source(subject.plan), batch=BATCH, rate=subject.training.session.recipe.learning_rate, look=_LOOK,
        seed=settings.seed, data=read,
    )  # fmt: skip
    return {"arrows": arrows, "pytorch": written}
