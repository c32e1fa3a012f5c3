import os
import torch
from torch import nn

torch.manual_seed(int(os.environ.get("SEED", 0)))


def stream(n):
    for _ in range(n):
        x = torch.randn(6)
        label = float(x[0] * 1.5 + x[1] - x[2] + 0.8 * x[0] * x[3] > 0.2)
        yield x, torch.tensor(label)


model = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.03)
scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1.0, end_factor=0.1, total_iters=6000)
loss_fn = nn.BCEWithLogitsLoss()
held_out = list(stream(800))
hx, hy = torch.stack([x for x, _ in held_out]), torch.stack([y for _, y in held_out])

recent = []
for step, (x, y) in enumerate(stream(8000), start=1):
    loss = loss_fn(model(x)[0], y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    recent.append(loss.item())
    if step % 1000 == 0:
        with torch.no_grad():
            out = model(hx).squeeze(1)
            held_loss = loss_fn(out, hy).item()
        accuracy = ((out > 0) == (hy > 0.5)).float().mean().item()
        print(f"{step} samples: loss of the last thousand {sum(recent) / len(recent):.4f} "
              f"held out {held_loss:.4f} accuracy {accuracy:.4f}")
        recent.clear()
print("METRIC", accuracy)
