import os
import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(int(os.environ.get("SEED", 0)))


def beats(n, steps=20):
    """Which of three rhythms: a beat every 3, 4 or 5 steps."""
    kind = torch.randint(0, 3, (n,))
    start = torch.randint(0, 5, (n, 1))
    t = torch.arange(steps)
    x = ((t + start) % (kind + 3)[:, None] == 0).float() + 0.35 * torch.randn(n, steps)
    return x.unsqueeze(-1), kind


class Rhythm(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(1, 32, batch_first=True)
        self.fc = nn.Linear(32, 3)

    def forward(self, x):
        out, _ = self.gru(x)
        return self.fc(out.mean(dim=1))


train_dl = DataLoader(TensorDataset(*beats(1500)), batch_size=50, shuffle=True)
val_x, val_y = beats(400)
model = Rhythm()
optimizer = torch.optim.Adam(model.parameters(), lr=8e-3)
scheduler = ReduceLROnPlateau(optimizer, mode="min", factor=0.5, patience=2)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(14):
    model.train()
    for x, y in train_dl:
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        out = model(val_x)
        val_loss = loss_fn(out, val_y).item()
        acc = (out.argmax(1) == val_y).float().mean().item()
    scheduler.step(val_loss)
    print(f"epoch {epoch} train {loss.item():.4f} val {val_loss:.4f} acc {acc:.4f} lr {optimizer.param_groups[0]['lr']:.2e}")
print("METRIC", acc)
