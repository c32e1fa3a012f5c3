"""Tensors of the user's own classes, that see what is done to them, and decide what equality is."""

from collections import Counter
import torch.utils._pytree as pytree
import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
calls = Counter()
HANDLED = {}


class Seeing(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        calls[torch.overrides.resolve_name(func) or func.__name__] += 1
        if func in HANDLED:
            return HANDLED[func](*args, **(kwargs or {}))
        return super().__torch_function__(func, types, args, kwargs or {})


def handles(func):
    def register(handler):
        HANDLED[func] = handler
        return handler

    return register


@handles(torch.sub)
def _(a, b):
    return torch.Tensor.mul(a, 0.5)


@handles(F.l1_loss)
def _(a, b, **_):
    return torch.Tensor.sum(a)


class Wrapped(torch.Tensor):
    @staticmethod
    def __new__(cls, inner):
        return torch.Tensor._make_wrapper_subclass(
            cls, inner.shape, dtype=inner.dtype, requires_grad=inner.requires_grad
        )

    def __init__(self, inner):
        self.inner = inner

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        calls[str(func)] += 1
        args = pytree.tree_map_only(cls, lambda each: each.inner, args)
        out = func(*args, **(kwargs or {}))
        return pytree.tree_map_only(torch.Tensor, cls, out)


class Odd:
    def __rsub__(self, other):
        return "odd difference"

    def __eq__(self, other):
        return "odd equality"

    def __sub__(self, other):
        return NotImplemented

    __hash__ = None


net = nn.Linear(4, 2)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
plain, y = torch.randn(16, 4), torch.randint(0, 2, (16,))
x = plain.as_subclass(Seeing)
for _ in range(3):
    optimizer.zero_grad()
    out = net(x)
    loss = F.cross_entropy(out, y) + ((out - 1) ** 2).mean()
    loss.backward()
    optimizer.step()
    print(type(out).__name__, type(loss).__name__, (out.argmax(1) == y).sum().item())
print(torch.sub(x, x).sum().item(), F.l1_loss(x, x).item(), torch.eq(x, x).all(), (1 - x).sum().item())
wrapped = Wrapped(plain)
with torch.no_grad():
    print(type(net(wrapped)).__name__, type(wrapped - wrapped).__name__, type(wrapped == wrapped).__name__)
    print(type(F.mse_loss(net(wrapped), net(wrapped))).__name__)
print(
    plain - Odd(),
    plain == Odd(),
    plain.__eq__(Odd()),
    plain.__sub__(Odd()),
    plain != Odd(),
    plain == None,
    plain == "a",
)
for attempt in (
    lambda: plain - "a",
    lambda: "a" - plain,
    lambda: plain.sub("a"),
    lambda: plain.eq(),
    lambda: plain - None,
):
    try:
        print(attempt())
    except TypeError as error:
        print(str(error).splitlines()[0])
print(len({plain: 1, y: 2, plain: 3}), hash(plain) == id(plain), plain in [plain], torch.Tensor.__hash__ is not None)
print(sorted(calls.items()))
tell(net)
