"""What a script can read of torch's own functions and classes: names, signatures, documentation, source."""

import inspect
import pickle
import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
net = nn.Linear(3, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(20):
    optimizer.zero_grad()
    F.mse_loss(net(torch.ones(4, 3)), torch.zeros(4, 1)).backward()
    optimizer.step()
things = [
    F.cross_entropy, F.mse_loss, torch.autograd.backward, torch.autograd.grad, nn.Module.__call__, nn.Module.load_state_dict,
    torch.optim.Optimizer.__init__, torch.optim.lr_scheduler.LRScheduler.step, nn.utils.clip_grad_norm_, torch.eq, torch.sub,
    torch.Tensor.__eq__, torch.Tensor.__sub__, torch.Tensor.__rsub__, torch.Tensor.eq, torch.Tensor.sub, torch.Tensor.backward,
    torch.utils.data.DataLoader.__iter__,
]  # fmt: skip
for thing in things:
    try:
        signature = str(inspect.signature(thing))
    except ValueError as error:
        signature = type(error).__name__  # its words hold an address
    print(thing.__name__, thing.__qualname__, getattr(thing, "__module__", None), signature, thing.__doc__)
    if inspect.isfunction(inspect.unwrap(thing)):
        print(len(inspect.getsource(thing)))
    if thing.__name__.strip("_") in {"eq", "sub", "wrapped_call_impl"}:
        continue  # stand-ins for methods of C, and for one of two names: pickle does not find them
    try:
        print(pickle.loads(pickle.dumps(thing)) is thing)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        print(type(error).__name__)
print(torch.nn.utils.clip_grad.clip_grad_norm_ is torch.nn.utils.clip_grad_norm_)
print(
    sorted(vars(net)),
    sorted(vars(optimizer)),
    net._forward_hooks,
    sorted(dir(torch.Tensor))[:20],
    len(dir(torch.Tensor)),
)
tell(net)
