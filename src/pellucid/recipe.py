"""What is asked of a training, as plain data: how to read the data (`DataOptions`) and how to train (`Recipe`).

A leaf that loads no torch: the command line shows these options, run.json keeps them, `data` and `training`
obey them. A default of None means "chosen from the data"; the choice is written into run.json beside the asking.
"""

from dataclasses import dataclass
from typing import Literal

from pellucid.options import check, option

TaskName = Literal[
    "classification",
    "regression",
    "multilabel",
    "multitask",
    "forecast",
    "language",
    "segmentation",
    "reconstruction",
    "generation",
    "recall",
]
RuleName = Literal["gradient", "perceptron", "pocket", "closed-form"]
OptimizerName = Literal["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"]
ScheduleName = Literal["constant", "linear", "cosine", "one-cycle", "step", "exponential", "inverse-time"]
MetricName = Literal[
    "loss",
    "accuracy",
    "precision",
    "recall",
    "f1",
    "exact_match",
    "perplexity",
    "mse",
    "rmse",
    "mae",
    "r2",
    "energy_distance",
    "recalled",
    "corrected",
    "overlap",
    "psnr",
    "elbo",
    "iou",
]
InitName = Literal["uniform", "he", "xavier", "lecun", "small", "zeros"]
LossName = Literal["cross-entropy", "binary-cross-entropy", "map", "squared-error", "absolute-error", "huber"]
AdversarialLossName = Literal["minimax", "non-saturating", "hinge", "wasserstein"]

_DATA = "Data"
_TRAINING = "Training"
_OPTIMISER = "Optimiser"
_REGULARISATION = "Regularisation"
_TRANSFER = "Transfer"
_ADVERSARIAL = "Generative adversarial networks"
_MACHINE = "Machine"

_FINITE = 1e9  # more is infinite for all that a training can do with it
_CLIP_LEAST = 1e-9  # 0 would not switch clipping off but all learning


@dataclass(frozen=True, kw_only=True, slots=True)
class DataOptions:
    """How to read a source and split it."""

    target: str | None = option(
        None, "column to predict, or several: rain,wind (default: target, label, class, y or the last)", group=_DATA
    )
    task: TaskName | None = option(None, "what is learned (default: from the target)", group=_DATA)
    test: str | None = option(None, "file that holds the test rows (default: split off)", group=_DATA)
    split: str | None = option(None, "train:validation:test, such as 60:20:20 (default: by size)", group=_DATA)
    split_seed: int = option(0, "seed of the split", group=_DATA, minimum=0)
    group: str | None = option(None, "column whose equal values stay in one split", group=_DATA)
    time: str | None = option(None, "column to split by: the past trains, the future tests", group=_DATA)
    ignore: tuple[str, ...] = option((), "columns to leave out", group=_DATA)
    numbers: Literal["standard", "binned"] | None = option(
        None,
        "numbers of a table standardised, or also binned by what tells of the target (default: by size)",
        group=_DATA,
    )
    size: str | None = option(None, "size to give every image, such as 32x32 (default: the median)", group=_DATA)
    window: int | None = option(None, "past steps a forecast sees", group=_DATA, minimum=1)
    horizon: int = option(1, "how many steps ahead to forecast", group=_DATA, minimum=1)
    length: int = option(64, "tokens in one training text", group=_DATA, minimum=1)
    duplicates: Literal["together", "apart"] = option(
        "together", "lines of text that repeat another: kept in one split, or drawn like any other", group=_DATA
    )
    level: Literal["character", "word"] = option("character", "what one token of a text is", group=_DATA)

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        check(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How to train: every choice but the data and the network."""

    epochs: int | None = option(None, "passes over the training data (default: by size)", group=_TRAINING, minimum=1)
    batch_size: int | None = option(None, "samples a step (default: by size)", group=_TRAINING, minimum=1)
    seed: int = option(0, "seed of weights, batch order, dropout, augmentation", group=_TRAINING, minimum=0)
    rule: RuleName | None = option(None, "how a step changes the weights (default: by the network)", group=_TRAINING)
    loss: LossName | None = option(None, "loss to minimise (default: from the task)", group=_TRAINING)
    task_weights: str | None = option(
        None, "of several tasks, the weight of each one's loss: digit=2,parity=0.5 (default: 1)", group=_TRAINING
    )
    metric: MetricName | None = option(
        None, "validation metric that chooses the best weights (default: from the task)", group=_TRAINING
    )
    state: Literal["carried", "fresh"] | None = option(
        None, "what recurrent layers begin each window of a text with (default: by the network)", group=_TRAINING
    )
    init: InitName | None = option(
        None, "how the weights of all convolutions and dense layers start (default: by the arrows)", group=_TRAINING
    )
    early_stopping: int | None = option(
        None, "stop after so many epochs without a better validation metric", group=_TRAINING, minimum=1
    )

    optimizer: OptimizerName = option("adamw", "update rule", group=_OPTIMISER)
    learning_rate: float | None = option(
        None, "peak step size (default: by optimiser)", group=_OPTIMISER, minimum=0.0, maximum=_FINITE
    )
    momentum: float | None = option(
        None, "momentum, or Adam's first beta (default: from the task)", group=_OPTIMISER, minimum=0.0, maximum=0.9999
    )
    schedule: ScheduleName | None = option(
        None, "how the learning rate changes (default: from the task)", group=_OPTIMISER
    )
    warmup: float = option(0.1, "share of the steps that warm up", group=_OPTIMISER, minimum=0.0, maximum=1.0)
    decay: float | None = option(
        None,
        "decay of the step, exponential and inverse-time schedules",
        group=_OPTIMISER,
        minimum=0.0,
        maximum=_FINITE,
    )
    clip_norm: float | None = option(
        None, "largest norm of the whole gradient", group=_OPTIMISER, minimum=_CLIP_LEAST, maximum=_FINITE
    )
    clip_value: float | None = option(
        None, "largest value in the gradient", group=_OPTIMISER, minimum=_CLIP_LEAST, maximum=_FINITE
    )

    weight_decay: float = option(
        0.01,
        "L2 penalty, keeps weights small (biases and norms exempt)",
        group=_REGULARISATION,
        minimum=0.0,
        maximum=_FINITE,
    )
    ridge: float | None = option(
        None,
        "L2 penalty on a last layer solved in closed form (default: what does best on validation rows)",
        group=_REGULARISATION,
        minimum=0.0,
        maximum=_FINITE,
    )
    l1: float = option(
        0.0,
        "L1 penalty, makes weights exactly 0 (biases and norms exempt)",
        group=_REGULARISATION,
        minimum=0.0,
        maximum=_FINITE,
    )
    label_smoothing: float = option(
        0.0, "share of each target spread over all classes", group=_REGULARISATION, minimum=0.0, maximum=1.0
    )
    augment: str | None = option(
        None, "image changes, such as shift,flip,rotate; or none (default: shift)", group=_REGULARISATION
    )

    from_: str | None = option(
        None, "run folder, or file of weights (.safetensors, .pth), to begin with; last layer anew for other classes",
        group=_TRANSFER,
    )  # fmt: skip
    freeze: str | None = option(
        None, "layers that do not learn: all (but the last), how many from the input on, or names", group=_TRANSFER
    )
    unfreeze_at: str | None = option(
        None, "epochs at which frozen layers begin to learn, those nearest the output first, such as 4,7",
        group=_TRANSFER,
    )  # fmt: skip
    layer_decay: float = option(
        1.0, "learning rate of each layer as a share of the next one's", group=_TRANSFER, minimum=1e-3, maximum=1.0
    )

    adversarial_loss: AdversarialLossName = option(
        "non-saturating", "what generator and discriminator minimise", group=_ADVERSARIAL
    )
    critic_steps: int | None = option(
        None, "discriminator steps for each of the generator's (default: by the loss)", group=_ADVERSARIAL, minimum=1
    )
    gradient_penalty: float | None = option(
        None,
        "weight of the penalty on the discriminator's slope (default: by the loss)",
        group=_ADVERSARIAL,
        minimum=0.0,
        maximum=_FINITE,
    )

    device: str = option("auto", "cpu, cuda, cuda:1, mps; auto takes the fastest there", group=_MACHINE)
    precision: Literal["float32", "bf16", "fp16"] = option("float32", "arithmetic of the network", group=_MACHINE)
    compile: bool = option(False, "compile the network with torch.compile", group=_MACHINE)
    shard: bool = option(
        False,
        "with torchrun: share weights, gradients and moments out, for a network that one device cannot hold",
        group=_MACHINE,
    )
    threads: int | None = option(None, "CPU threads (default: by the network's size)", group=_MACHINE, minimum=1)

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        check(self)
