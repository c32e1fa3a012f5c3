"""Models and optimisers copied, pickled, saved and loaded in the middle of training."""

import copy
import io
import pickle
import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
schedule = torch.optim.lr_scheduler.StepLR(optimizer, 5)
best = None
for step in range(12):
    x = torch.randn(16, 3)
    optimizer.zero_grad()
    F.mse_loss(net(x), x.sum(1, keepdim=True)).backward()
    optimizer.step()
    schedule.step()
    if step == 3:
        best = copy.deepcopy(net), copy.deepcopy(optimizer.state_dict())
    if step == 6:
        net, optimizer = pickle.loads(pickle.dumps((net, optimizer)))
        print(sorted(vars(net)), sorted(vars(optimizer)))
    if step == 9:
        file = io.BytesIO()
        torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict(), "loss": F.mse_loss}, file)
        print(len(file.getvalue()))
        file.seek(0)
        loaded = torch.load(file, weights_only=False)
        print(net.load_state_dict(loaded["net"]), loaded["loss"] is F.mse_loss)
        optimizer.load_state_dict(loaded["optimizer"])
twin = copy.deepcopy(net)
print(len(pickle.dumps(net)), torch.equal(twin[0].weight, net[0].weight), copy.copy(F.mse_loss) is F.mse_loss)
tell(net, optimizer, *best)
