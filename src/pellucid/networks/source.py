"""`to_source`: from a plan to a Python file that needs only torch."""

import inspect
import keyword
import re
import textwrap
from collections.abc import Iterator
from typing import Any

from torch import nn

from pellucid.errors import NotationError
from pellucid.networks.layers import Group, Layer, named
from pellucid.networks.plan import Plan
from pellucid.networks.word import Named, Output, walk
from pellucid.networks.words.composite import chain_layers
from pellucid.shapes import Shape

_WIDTH = 120
_ENDLESS = 10**9
_IMPORTS = {
    r"\bOrderedDict\(": "from collections import OrderedDict\n",
    r"\bPath\b": "from pathlib import Path\n",
    r"\bload_file\(": "from safetensors.torch import load_file\n",
    r"\btorch\.[a-z]": "import torch\n",
    r"\bnn\.": "from torch import Tensor, nn\n",
    r"\bF\.": "from torch.nn import functional as F\n",
}
"""What a source imports, by what it then holds."""

_LOADER = '''

def load(path: str | Path = Path(__file__).with_name("weights.safetensors")) -> {class_name}:
    """Return the network with its trained weights, in evaluation mode."""
    network = {class_name}()
    network.load_state_dict(load_file(path))
    return network.eval()
'''

_TAKEN = {"OrderedDict", "Path", "load", "load_file", "torch", "Tensor", "nn", "F"}


def to_source(plan: Plan, class_name: str = "Network", *, loader: bool = False) -> str:
    """Write a network as plain PyTorch: a class whose state dict has the keys of the built network's.

    The layers torch lacks are written in front of it.

    >>> from pellucid.networks.parsing import parse
    >>> print(to_source(parse("4 -> fc(3)")))  # doctest: +ELLIPSIS
    from torch import Tensor, nn
    ...
            x = self.fc1(x)  # 3
            return x
    <BLANKLINE>

    Args:
        plan: the network.
        class_name: the name of the class.
        loader: whether a function `load` follows that reads the weights from weights.safetensors beside the file.

    Raises:
        NotationError: `class_name` is no free Python name.
    """
    group = Group(chain_layers(plan.steps, plan.input))
    blocks = {module.__name__: module for module in _blocks(group)}
    taken = class_name in _TAKEN or class_name in blocks or keyword.iskeyword(class_name)
    if not class_name.isidentifier() or taken:
        raise NotationError(
            "the class needs another name", expected="a Python name of its own", received=repr(class_name)
        )
    sources = [inspect.getsource(module).rstrip() + "\n" for module in blocks.values()]
    body = "\n\n".join([*sources, _class(plan, group, class_name)])
    body += _LOADER.format(class_name=class_name) if loader else ""
    found = [line for sign, line in _IMPORTS.items() if re.search(sign, body)]
    # isort's order: the standard library apart, the rest by module, `import` lines first
    standard = [line for line in found if line.startswith(("from collections", "from pathlib"))]
    others = [line for line in found if line not in standard]
    others.sort(key=lambda line: (line.startswith("from"), line.split()[1]))
    imports = "\n".join("".join(group) for group in (standard, others) if group)
    return f"{imports}\n\n{body}"


def _class(plan: Plan, group: Group, class_name: str) -> str:
    layers = named(group.layers)
    shapes = dict(zip((name for name, _ in layers), _shapes(plan), strict=True))
    lines = [
        f"class {class_name}(nn.Module):",
        '    """The network of these arrows.',
        "",
        *_wrapped(str(plan), 8),
        "",
        *_wrapped(
            f"It has {plan.parameters:,} parameters and makes {_tensor(plan.output)} of {_tensor(plan.input)}.", 4
        ),
        '    """',
        "",
        "    def __init__(self) -> None:",
        "        super().__init__()",
        *(f"        self.{name} = {_expression(layer, 8, len(name) + 8)}" for name, layer in layers),
        "",
        f"    def forward(self, x: Tensor) -> {'dict[str, Tensor]' if isinstance(plan.output, Named) else 'Tensor'}:",
        *(_call(name, shapes[name]) for name, _ in layers),
        "        return x",
    ]
    return "\n".join(lines) + "\n"


def _call(name: str, shape: Output | None) -> str:
    call = f"        x = self.{name}(x)"
    comment = f"  # {shape}"
    return call if shape is None or len(call + comment) > _WIDTH else call + comment


def _shapes(plan: Plan) -> Iterator[Output | None]:
    """Yield the shape behind each layer, None inside a word of several layers."""
    for word, before, after in walk(plan.steps, plan.input):
        count = len(word.modules(before))
        yield from [None] * (count - 1)
        yield after


def _expression(value: Any, indent: int = 8, before: int = 0) -> str:
    """Return a layer, a group or a plain argument as a Python expression.

    Args:
        value: what to write.
        indent: spaces the line begins with; an expression too long for it is broken, a line for each argument.
        before: characters that stand on the line already.
    """
    match value:
        case Layer():
            name = f"nn.{value.module.__name__}" if _is_torch(value) else value.module.__name__
            arguments = [("", each) for each in value.positional]
            arguments += [(f"{key}=", each) for key, each in value.named.items()]
        case Group():
            name = "nn.Sequential(OrderedDict"
            arguments = [(f"{key}=", layer) for key, layer in named(value.layers)]
        case float() if value in (float("inf"), float("-inf")):
            return f'float("{value}")'
        case _:
            return repr(value)
    end = "))" if isinstance(value, Group) else ")"
    line = f"{name}({', '.join(key + _expression(each, 0, -_ENDLESS) for key, each in arguments)}{end}"
    if indent + before + len(line) <= _WIDTH:
        return line
    inside, space = indent + 4, "\n" + " " * (indent + 4)
    lines = [f"{space}{key}{_expression(each, inside, len(key) + 1)}," for key, each in arguments]
    return f"{name}({''.join(lines)}\n{' ' * indent}{end}"


def _is_torch(layer: Layer) -> bool:
    return layer.module.__module__.startswith("torch.nn")


def _blocks(value: Any) -> Iterator[type[nn.Module]]:
    """Yield the classes a layer or a group needs that torch lacks."""
    match value:
        case Group(layers):
            for layer in layers:
                yield from _blocks(layer)
        case Layer():
            if not _is_torch(value):
                yield value.module
            for each in (*value.positional, *value.named.values()):
                yield from _blocks(each)


def _tensor(shape: Shape | Output) -> str:
    """Return a shape as the tensor torch has of it."""
    if isinstance(shape, Named):
        return "{" + ", ".join(f"{name}: {_tensor(each)}" for name, each in shape.shapes) + "}"
    sizes = ", ".join("T" if size is None else str(size) for size in shape.dimensions)
    return f"(N, {sizes})"


def _wrapped(text: str, indent: int) -> list[str]:
    lines = textwrap.wrap(text, _WIDTH - indent, break_long_words=False, break_on_hyphens=False)
    return [" " * indent + line for line in lines]
