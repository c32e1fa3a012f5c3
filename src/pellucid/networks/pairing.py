"""Two networks written apart, a generator and a discriminator, put together into one `gan`."""

from pellucid.errors import NotationError
from pellucid.networks.parsing import parse, read
from pellucid.networks.plan import Plan
from pellucid.networks.word import Words
from pellucid.networks.words.adversarial import Code, Gan, ending
from pellucid.shapes import Features, Shape


def paired(generator: str | None, discriminator: str | None, shape: Shape) -> str:
    """Return the arrows of a generative adversarial network; the half that is None is the zoo's.

    >>> paired("8 -> fc(2)", "fc(64) -> relu -> fc(1)", Features(2))
    '2 -> gan(generator: code(8) -> fc(2) | discriminator: fc(64) -> relu -> fc(1))'

    Args:
        generator: arrows from the numbers of its code to a sample: `8 -> fc(2)`, or `code(8) -> fc(2)`.
        discriminator: arrows from a sample, whose shape may be left out, to one number.
        shape: of a sample.

    Raises:
        NotationError: a text cannot be read, or they do not go together.
    """
    (zoos,) = parse(f"{shape} -> gan").steps
    assert isinstance(zoos, Gan)
    made = zoos.generator if generator is None else _generator(generator, shape)
    judged = zoos.discriminator if discriminator is None else _discriminator(discriminator, shape)
    return str(Plan(shape, (Gan((("generator", made), ("discriminator", judged))),)))


def _generator(text: str, shape: Shape) -> Words:
    tree = read(text)
    if tree.input is None and tree.place.content.startswith(Code.name):
        plan = parse(f"{shape} -> {text}")
        words = plan.steps
    else:
        plan = parse(text)
        if not isinstance(plan.input, Features):
            raise NotationError(
                "a generator makes its samples of a row of random numbers",
                expected="--generator that begins with how many, such as 64 -> ...",
                received=str(plan.input),
            )
        words = (Code(plan.input.count), *plan.steps)
    if plan.output != shape:
        raise NotationError(
            "the generator does not make what the data is",
            expected=f"{shape} at the end of --generator",
            received=str(plan.output),
            advice=ending(shape),
        )
    return words


def _discriminator(text: str, shape: Shape) -> Words:
    plan = parse(text if read(text).input is not None else f"{shape} -> {text}")
    if plan.input != shape:
        raise NotationError(
            "the discriminator is not shown what the data is",
            expected=f"{shape} at the beginning of --discriminator, or no shape",
            received=str(plan.input),
        )
    if plan.output != Features(1):
        raise NotationError(
            "the discriminator gives one number, the logit of a sample being real",
            expected="1 at the end of --discriminator",
            received=str(plan.output),
            advice="end it with fc(1)",
        )
    return plan.steps
