import os
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(int(os.environ.get("SEED", 0)))

EPOCHS, BATCH, N = 14, 40, 2400


def surface(n):
    u, v, w = torch.randn(3, n)
    z = torch.sin(2 * u) + torch.tanh(u * v) - 0.5 * w ** 2 * (v > 0)
    return torch.stack([u, v, w], -1), z + 0.05 * torch.randn(n)


train_x, train_z = surface(N)
val_x, val_z = surface(600)

model = nn.Sequential(nn.Linear(3, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=1e-3)
steps_per_epoch = N // BATCH
scheduler = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, max_lr=1e-2, epochs=EPOCHS, steps_per_epoch=steps_per_epoch, div_factor=1000, pct_start=0.3
)

for epoch in range(EPOCHS):
    model.train()
    shuffled = torch.randperm(N)
    meter = []
    for b in range(steps_per_epoch):
        rows = shuffled[b * BATCH:(b + 1) * BATCH]
        prediction = model(train_x[rows])[:, 0]
        loss = F.smooth_l1_loss(prediction, train_z[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        meter.append(loss.item())
    scheduler.step()
    model.eval()
    with torch.inference_mode():
        prediction = model(val_x)[:, 0]
        val = F.smooth_l1_loss(prediction, val_z).item()
        r2 = 1 - ((prediction - val_z).square().mean() / val_z.var()).item()
    print(f"[{epoch + 1:2d}/{EPOCHS}] train {sum(meter) / len(meter):.4f}  val {val:.4f}  r2 {r2:.4f}")

print("METRIC", r2)
