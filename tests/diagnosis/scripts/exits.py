"""Ends itself, with a status, in the middle of an epoch; something is left to be done at exit."""

import atexit
import sys
import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)


def main():
    net = nn.LSTM(3, 8, batch_first=True)
    head = nn.Linear(8, 1)
    optimizer = torch.optim.Adam([*net.parameters(), *head.parameters()], lr=1e-2)
    atexit.register(tell, net, head, optimizer)
    state = None
    for step in range(100):
        x = torch.randn(8, 5, 3)
        optimizer.zero_grad()
        hidden, state = net(x, state)
        state = tuple(each.detach() for each in state)
        loss = F.mse_loss(head(hidden[:, -1]), x[:, -1, :1])
        loss.backward()
        optimizer.step()
        if step == 20:
            print(loss.item(), file=sys.stderr)
            sys.exit(7)


main()
