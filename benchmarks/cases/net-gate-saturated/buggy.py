import os
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(int(os.environ.get("SEED", 0)))
x = torch.randn(2400, 6)
target = torch.where(x[:, 0] > 0, x[:, 1], -x[:, 2]) + 0.6 * torch.sin(2 * x[:, 3]) * torch.sigmoid(3 * x[:, 4])
target = ((target - target.mean()) / target.std() + 0.05 * torch.randn(2400)).unsqueeze(1)


class GatedLayer(nn.Module):
    def __init__(self, n_in, n_out, openness):
        super().__init__()
        self.value = nn.Linear(n_in, n_out)
        self.gate = nn.Linear(n_in, n_out)
        nn.init.constant_(self.gate.bias, openness)

    def forward(self, x):
        return self.value(x) * torch.sigmoid(self.gate(x))


OPEN = -14.0
net = nn.Sequential(GatedLayer(6, 48, OPEN), nn.LayerNorm(48), GatedLayer(48, 48, OPEN), nn.Linear(48, 1))
optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.01)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 18)
for epoch in range(18):
    for idx in torch.randperm(2000).split(50):
        loss = F.mse_loss(net(x[idx]), target[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    with torch.no_grad():
        test = F.mse_loss(net(x[2000:]), target[2000:]).item()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1} train {loss.item():.4f} test {test:.4f}")
print("METRIC", 1 - test / target[2000:].var().item())
