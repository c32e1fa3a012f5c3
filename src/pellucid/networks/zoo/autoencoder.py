"""Autoencoders: a network that gives its input back through a code of few numbers; denoising and variational too."""

from math import ceil

from pellucid.networks.zoo.entry import Arrows, Entry
from pellucid.shapes import Features, Image, Sequence, Shape, size

_SMALLEST = 4  # an image of fewer pixels a side is not halved again
_WIDEST = 128
# of 1, 0.3, 0.1 and 0.03 the variance with which the digits' evidence lower bound is highest
_BETA = 0.1


def write(  # noqa: PLR0913 - each is an argument of the zoo name
    input: Shape,
    code: int = 16,
    *,
    classes: int,  # noqa: ARG001 - what comes out is what goes in
    width: int = 0,
    noise: float = 0.0,
    masking: float = 0.0,
    variational: bool = False,
    beta: float = _BETA,
) -> Arrows:
    """Write an encoder, a code and a decoder that ends in the input's very shape.

    Rows go through one hidden layer on each side; images are halved by convolutions as often as they allow, and brought
    back size by size by repeating pixels, which leaves no chequerboard as transposed convolutions do.

    Args:
        input: what is reconstructed.
        code: numbers in the code.
        classes: of no use, for what comes out is as large as what goes in.
        width: hidden units, or maps of the first convolution (by default 4 x the code but at least 64, or 16 maps).
        noise: standard deviation of the normal noise on the input, which the network learns to take away.
        masking: share of the input's numbers that are blotted out, which the network learns to fill in.
        variational: whether the code is a normal distribution that a sample is drawn from.
        beta: weight of that distribution's divergence from N(0, 1), the variance of the decoder's noise.
    """
    spoilt = [f"gaussiannoise({noise})"] * bool(noise) + [f"dropout({masking})"] * bool(masking)
    if isinstance(input, Image):
        down, up = _image(input, width or 16)
    else:
        down, up = _row(input, width or max(64, 4 * code))
    middle = [f"fc({2 * code})", f"sample(beta={beta})"] if variational else [f"fc({code})"]
    notes = ("beta weighs what only variational=yes has",) if beta != _BETA and not variational else ()
    return Arrows({"encoder": " -> ".join([*spoilt, *down, *middle]), "decoder": " -> ".join(up)}, notes)


def _row(input: Shape, width: int) -> tuple[list[str], list[str]]:
    """Return the layers down to the code and up from it, of a row or of a window of fixed length."""
    numbers = size(input) or 1  # a free length is refused by flatten, in its own words
    down = ["flatten"] * isinstance(input, Sequence) + [f"fc({width})", "relu"]
    up = [f"fc({width})", "relu", f"fc({numbers})"] + [f"reshape({input})"] * isinstance(input, Sequence)
    return down, up


def _image(input: Image, width: int) -> tuple[list[str], list[str]]:
    """Return the same of an image, each stage half as large and twice as wide as the one before."""
    sizes, maps = [(input.height, input.width)], [width]
    while min(sizes[-1]) > _SMALLEST:
        sizes.append((ceil(sizes[-1][0] / 2), ceil(sizes[-1][1] / 2)))
        maps.append(max(width, min(2 * maps[-1], _WIDEST)))
    down = [f"conv({width}, 3x3, padding=same)", "relu"]
    for wide in maps[1:]:
        down += [f"conv({wide}, 3x3, stride=2, padding=same)", "relu"]
    height, side = sizes[-1]
    up = [f"fc({height * side * maps[-1]})", "relu", f"reshape({height}x{side}x{maps[-1]})"]
    for (height, side), narrow in zip(sizes[-2::-1], maps[-2::-1], strict=True):
        up += [f"upsample(to={height}x{side})", f"conv({narrow}, 3x3, padding=same)", "relu"]
    return down, [*up, f"conv({input.channels}, 3x3, padding=same)"]


ENTRIES = (
    Entry(
        "autoencoder",
        "autoencoder: the input through a code of few numbers and back; denoising by noise or masking, variational too",
        "Hinton and Salakhutdinov, Reducing the dimensionality of data with neural networks, Science 313, 2006;"
        " denoising: Vincent et al., ICML 2008; variational: Kingma and Welling, ICLR 2014",
        write,
        (Features, Image, Sequence),
        Image(28, 28, 1),
        1,
        learns="reconstruction",
    ),
)
