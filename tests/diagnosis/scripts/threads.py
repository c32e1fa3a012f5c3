"""Two threads, each with a network of its own, at once; a third one fails."""

import threading
import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)


def fail():
    F.mse_loss(nn.Linear(3, 1)(torch.zeros(2, 4)), torch.zeros(2, 1))


nets = []
for number in range(2):
    torch.manual_seed(number)
    nets.append(nn.Linear(3, 3))


def alone(number):
    optimizer = torch.optim.Adam(nets[number].parameters())
    generator = torch.Generator().manual_seed(number)
    for _ in range(30):
        x = torch.randn(8, 3, generator=generator)
        optimizer.zero_grad()
        F.mse_loss(nets[number](x), x * 2).backward()
        optimizer.step()


threads = [threading.Thread(target=alone, args=(number,)) for number in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
failing = threading.Thread(target=fail, name="failing")
failing.start()
failing.join()
tell(*nets)
