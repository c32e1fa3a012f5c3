import os
import torch
import torch.nn as nn

torch.manual_seed(int(os.environ.get("SEED", 0)))
p = torch.rand(2200, 2) * 2 - 1
height = torch.sin(3 * p[:, 0]) * torch.cos(3 * p[:, 1]) + p.prod(1) + 0.03 * torch.randn(2200)
height = ((height - height.mean()) / height.std()).unsqueeze(1)
p = p / p.std(0)
HIDDEN = 2
model = nn.Sequential(nn.Linear(2, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 10, 0.4)
mse = nn.MSELoss()
for epoch in range(25):
    for idx in torch.randperm(1800).split(45):
        loss = mse(model(p[idx]), height[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    with torch.no_grad():
        train, test = mse(model(p[:1800]), height[:1800]).item(), mse(model(p[1800:]), height[1800:]).item()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1} train {train:.4f} test {test:.4f}")
print("METRIC", 1 - test / height[1800:].var().item())
