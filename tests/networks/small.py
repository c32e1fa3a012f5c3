"""Every network of the zoo by its name, as small as it goes: what is true of its layers is true of it at full size."""

from pellucid.networks import ZOO, Plan, fit_to, parse
from pellucid.shapes import Features, Sequence

_TEXTS = {
    "mcculloch-pitts": "mcculloch-pitts",
    "perceptron": "4 -> perceptron(classes=2)",
    "linear": "4 -> linear(classes=2)",
    "logistic": "4 -> logistic(classes=2)",
    "mlp": "4 -> mlp(6, 5, classes=2)",
    "lenet5": "28x28x1 -> lenet5(classes=3)",
    "inception-small": "28x28x1 -> inception-small(classes=3)",
    "cnn": "8x8x1 -> cnn(classes=3, width=4)",
    "alexnet": "67x67x1 -> alexnet(classes=3, width=8)",
    "googlenet": "8x8x1 -> googlenet(classes=3, width=4, auxiliary=yes)",
    "fcn": "8x8x2 -> fcn(classes=3, width=4)",
    "unet": "8x8x1 -> unet(classes=3, width=2, depth=2)",
    "seq2seq": "T=6 x 2 -> seq2seq(4, classes=3)",
    "autoencoder": "8x8x1 -> autoencoder(5, width=4)",
    "gan": "8x8x1 -> gan(code=4, width=2)",
    "hopfield": "4x4x1 -> hopfield",
    "modern-hopfield": "4x4x1 -> modern-hopfield(6)",
}
_FITTED: dict[str, tuple[str, Features | Sequence]] = {
    "softmax": ("softmax", Features(4)),
    "rbf": ("rbf(5)", Features(4)),
    "rnn": ("rnn(5)", Sequence(3, 6)),
    "gru": ("gru(5)", Sequence(3, 6)),
    "lstm": ("lstm(5)", Sequence(3, 6)),
}
_FAMILIES = {"vgg": "32x32x1 -> {}(classes=3, width=4)", "resnet": "8x8x1 -> {}(classes=3, width=4)",
             "plain": "8x8x1 -> {}(classes=3, width=4)"}  # fmt: skip
FORMS = {
    "lenet5(form=paper)": "28x28x1 -> lenet5(classes=3, form=paper)",
    "alexnet(form=two-group)": "67x67x1 -> alexnet(classes=3, width=8, form=two-group)",
    "alexnet(form=published)": "63x63x1 -> alexnet(classes=3, width=8, form=published)",
    "vgg11(batchnorm=yes)": "32x32x1 -> vgg11(classes=3, width=4, batchnorm=yes)",
    "googlenet(form=published)": "8x8x1 -> googlenet(classes=3, width=4, form=published)",
    "resnet50(form=published)": "64x64x3 -> resnet50(classes=3, width=4, form=published)",
    "autoencoder(variational=yes)": "6 -> autoencoder(3, variational=yes)",
    "lstm(bidirectional=yes)": "T=6 x 3 -> lstm(4, layers=2, bidirectional=yes) -> ends -> fc(3)",
}


def small(name: str) -> Plan:
    """Return the small network of a name of the zoo."""
    if name in _FITTED:
        text, shape = _FITTED[name]
        return fit_to(text, shape, 3)[0]
    family = next((text for family, text in _FAMILIES.items() if name.startswith(family)), "")
    return parse(_TEXTS.get(name) or family.format(name))


SMALL: dict[str, Plan] = {name: small(name) for name in ZOO} | {name: parse(text) for name, text in FORMS.items()}

QUICK = frozenset({
    *("mcculloch-pitts", "perceptron", "linear", "logistic", "softmax", "mlp", "rbf", "lenet5", "alexnet", "vgg11"),
    *("cnn", "resnet8", "plain8", "fcn", "unet", "rnn", "gru", "lstm", "autoencoder", "gan"),
    *("modern-hopfield", "hopfield"),
})  # fmt: skip
"""One of each family, and not its deepest: what fast tests go through; slow ones go through all."""

REPEATS = frozenset({"resnet101", "resnet152", "resnet44", "resnet56", "resnet110", "plain44", "plain56", "plain110"})
"""Networks that are the blocks of a shallower one of the zoo, only more of them: left out where each takes long."""
