"""Generative adversarial networks that fit the data: fully connected for rows, convolutional for images."""

from pellucid.errors import NotationError
from pellucid.networks.zoo.entry import Arrows, Entry
from pellucid.shapes import Features, Image, Sequence, size

_SMALLEST = 4  # the side from which a generator of images grows, and down to which a discriminator goes
_MOST_HALVINGS = 4
_MOST_CODE = 64
_HIDDEN = 16  # units of a fully connected layer, in maps at full size


def write(
    input: Features | Image | Sequence, *, classes: int, code: int = 0, width: int = 0, layers: int = 3
) -> Arrows:
    """Write a generator and a discriminator of the same make.

    Rows and sequences of fixed length: hidden layers with ReLU in both. Images: a hidden layer, then the generator
    doubles a small image by transposed convolutions with batch norm and ReLU; the discriminator halves it by
    convolutions with leaky ReLU and ends in a hidden layer, without a norm, so that each sample is judged, and its
    gradient penalised, by itself.

    Args:
        input: the data.
        classes: one, for a discriminator gives one number.
        code: random numbers a sample is made of (unless said, as many as it has itself, 64 at most).
        width: units of a hidden layer (128 unless said), or maps of the convolutions at full size (16 unless said).
        layers: hidden layers of each network; of those for images as many as the size allows.

    Raises:
        NotationError: more than one class, or sequences of free length.
    """
    if classes != 1:
        raise NotationError(
            "a discriminator gives one number", expected="gan without classes", received=f"classes={classes}"
        )
    numbers = size(input)
    if numbers is None:
        raise NotationError(
            "a generator makes samples of one length",
            expected="a fixed length, such as T=24 x 8",
            received=str(input),
        )
    code = code or min(numbers, _MOST_CODE)
    if isinstance(input, Image) and _halvings(input):
        generator, discriminator = _convolutional(input, code, width or 16)
    else:
        layer = f"fc({width or 128}) -> relu"
        hidden = layer if layers == 1 else f"{layers} * ({layer})"
        flat = "" if isinstance(input, Features) else "flatten -> "
        shaped = "" if isinstance(input, Features) else f" -> reshape({input})"
        generator = f"code({code}) -> {hidden} -> fc({numbers}){shaped}"
        discriminator = f"{flat}{hidden} -> fc(1)"
    return Arrows({"gan": f"gan(generator: {generator} | discriminator: {discriminator})"})


def _halvings(input: Image) -> int:
    """Return how often both sides can be halved and doubled again."""
    count, height, width = 0, input.height, input.width
    while count < _MOST_HALVINGS and not (height % 2 or width % 2) and min(height, width) // 2 >= _SMALLEST:
        count, height, width = count + 1, height // 2, width // 2
    return count


def _convolutional(input: Image, code: int, width: int) -> tuple[str, str]:
    halvings, hidden = _halvings(input), _HIDDEN * width
    small = Image(input.height >> halvings, input.width >> halvings, width << halvings)
    up = [f"code({code}) -> fc({hidden}) -> batchnorm -> relu", f"fc({size(small)}) -> batchnorm -> relu"]
    up.append(f"reshape({small})")
    down = []
    for step in range(halvings):
        up.append(f"convtranspose({small.channels >> (step + 1)}, 4x4, stride=2, padding=1) -> batchnorm -> relu")
        down.append(f"conv({width << (step + 1)}, 4x4, stride=2, padding=1) -> leakyrelu(0.2)")
    up.append(f"conv({input.channels}, 3x3, padding=same)")
    down.append(f"fc({hidden}) -> leakyrelu(0.2) -> fc(1)")
    return " -> ".join(up), " -> ".join(down)


ENTRIES = (
    Entry(
        "gan",
        "generative adversarial network: a generator of samples and a discriminator that tells them from the data",
        "Goodfellow et al., Generative adversarial nets, NIPS 2014; for images with the transposed convolutions of"
        " Radford, Metz and Chintala (DCGAN, 2016), and the hidden layers of Chen et al. (InfoGAN, 2016)",
        write,
        (Features, Image, Sequence),
        None,
        1,
        learns="generation",
    ),
)
