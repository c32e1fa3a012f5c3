"""What a remedy would like to know of a suspicion: names of `Suspicion.facts`, by cause.

None is required: a remedy reads the script where a fact is missing, and says only words where that does not suffice.
`place.line` is worth most: the line of what is to be changed (the optimiser, the loss, backward, the scheduler's step).
"""

from collections.abc import Mapping
from typing import Any, TypeVar, cast

Value = TypeVar("Value")

FACTS: Mapping[str, Mapping[str, str]] = {
    "lr-high": {
        "rate": "the rate that was used",
        "wanted_rate": "one at which it would learn",
        "optimizer": "its class",
    },
    "lr-low": {
        "rate": "the rate that was used",
        "wanted_rate": "one at which it would learn",
        "optimizer": "its class",
    },
    "too-few-epochs": {"factor": "how many times as long training should last"},
    "optimizer-unsuited": {"rate": "the rate that was used", "optimizer": "its class"},
    "batch-size": {"size": "samples in a batch", "wanted_size": "a better size"},
    "missing-shuffle": {},
    "missing-zero-grad": {},
    "missing-step": {},
    "optimizer-reset": {},
    "scheduler-misuse": {"kind": "'per-batch', 'never' or 'collapsed'"},
    "clip-too-tight": {"limit": "the norm allowed", "wanted_limit": "the median norm before clipping"},
    "exploding-gradient": {"wanted_limit": "a norm to clip at"},
    "numerical-instability": {"function": "what overflows: 'log', 'div', 'sqrt', 'exp'"},
    "input-scale": {"means": "by feature", "deviations": "by feature", "alike": "whether features share one scale"},
    "input-not-finite": {},
    "target-scale": {"mean": "of the targets", "std": "their deviation"},
    "class-imbalance": {"shares": "class -> share of the samples"},
    "label-misalignment": {},
    "label-noise": {},
    "split-leak": {},
    "missing-nonlinearity": {},
    "wrong-output-activation": {
        "activation": "what ends the network: 'relu', 'softmax', ...",
        "wanted": "what should: 'none', 'sigmoid', 'softmax', 'log_softmax'",
        "loss": "the loss's function",
        "task": "'regression', 'binary', 'multiclass' or 'multilabel'",
    },
    "double-softmax": {"activation": "'softmax' or 'sigmoid'", "loss": "the loss's function"},
    "wrong-loss": {
        "loss": "the loss's function",
        "wanted_loss": "the function that fits",
        "classes": "how many, where targets are classes",
        "width": "numbers predicted of a sample",
    },
    "output-size": {"width": "numbers predicted of a sample", "wanted_width": "how many there should be"},
    "loss-broadcast": {"prediction": "its shape", "target": "its shape"},
    "wrong-hidden-activation": {"activation": "'sigmoid', 'tanh', 'softmax'"},
    "saturation": {"activation": "'sigmoid' or 'tanh'"},
    "dead-relu": {},
    "symmetric-init": {},
    "init-scale": {},
    "vanishing-gradient": {
        "activation": "the nonlinearity of most layers",
        "length": "steps of a sequence, in recurrence",
    },
    "capacity-low": {"width": "units of the narrowest hidden layer", "wanted_width": "units to try"},
    "overfitting": {"best_share": "share of training after which validation was best"},
    "over-regularised": {
        "weight_decay": "what was used",
        "wanted_weight_decay": "what to try",
        "dropout": "the share that was used",
        "wanted_dropout": "what to try",
    },
    "frozen-parameters": {"why": "in words: a gradient cut off, the optimiser, or requires_grad"},
    "unregistered-parameters": {},
    "train-eval-mode": {"phase": "'train' or 'eval': the one in the wrong mode", "network": "its name in the script"},
    "softmax-axis": {"axis": "the dimension that is right"},
    "batch-mixing": {"kind": "'batch-first' or 'view'"},
    "state-carryover": {"kind": "what is wrongly kept, 'graph' or 'state', or 'reset'"},
    "plateau": {
        "optimizer": "its class",
        "rate": "the rate that was used",
        "held_still": "share of the weights that are kept from learning, where these are most",
    },
    "bias-before-norm": {},
    "discriminator-dominates": {"discriminator": "its name in the script", "generator": "its name in the script"},
    "generator-dominates": {"discriminator": "its name in the script", "generator": "its name in the script"},
    "mode-collapse": {"discriminator": "its name in the script", "generator": "its name in the script"},
}


def fact(facts: Mapping[str, Any], name: str, kind: type[Value]) -> Value | None:
    """Return a fact if it is known and of its kind; a whole number is both an int and a float."""
    value = facts.get(name)
    if isinstance(value, bool):
        return cast("Value", value) if kind is bool else None
    if kind is float and isinstance(value, int):
        return cast("Value", float(value))
    if kind is int and isinstance(value, float) and value.is_integer():
        return cast("Value", int(value))
    return value if isinstance(value, kind) else None


def spelled(facts: Mapping[str, Any]) -> str | None:
    """Return the fact `activation` as torch's function is spelled: "log_softmax" for "LogSoftmax"."""
    name = fact(facts, "activation", str)
    if name is None:
        return None
    plain = name.lower().replace("_", "")
    return {"logsoftmax": "log_softmax", "leakyrelu": "leaky_relu"}.get(plain, plain)
