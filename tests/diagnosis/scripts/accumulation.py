"""Gradients of several batches, a schedule, clipping by value, weights averaged."""

import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 16), nn.Dropout(0.2), nn.GELU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.2, total_steps=12)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
average = torch.optim.swa_utils.AveragedModel(net)
schedule.step()
for step in range(40):
    x = torch.randn(16, 4)
    loss = F.huber_loss(net(x), x.sum(1, keepdim=True)) / 4
    loss.backward()
    if step % 4 == 3:
        nn.utils.clip_grad_value_(net.parameters(), 0.5)
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        schedule.step()
        plateau.step(loss.detach())
        average.update_parameters(net)
        print(schedule.get_last_lr(), loss.item())
tell(net, average, optimizer, schedule.state_dict())
