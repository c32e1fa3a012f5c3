import os
import torch
from torch import nn

torch.manual_seed(int(os.environ.get("SEED", 0)))
STREAMS, LENGTH, CHUNK = 40, 400, 5


def streams(n):
    """A command now and then (+1 or -1) switches a machine; its state is to be told at every moment."""
    command = torch.zeros(n, LENGTH)
    said = torch.rand(n, LENGTH) < 0.06
    said[:, 0] = True
    command[said] = torch.randint(0, 2, (int(said.sum()),)).float() * 2 - 1
    machine = torch.zeros(n, LENGTH)
    current = torch.zeros(n)
    for t in range(LENGTH):
        current = torch.where(command[:, t] != 0, command[:, t], current)
        machine[:, t] = (current > 0).float()
    noise = 0.1 * torch.randn(n, LENGTH)
    return torch.stack([command + noise, torch.randn(n, LENGTH)], dim=-1), machine


class Monitor(nn.Module):
    def __init__(self, hidden=16):
        super().__init__()
        self.gru = nn.GRU(2, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x, h=None):
        y, h = self.gru(x, h)
        return self.out(y).squeeze(-1), h


train_x, train_y = streams(STREAMS)
test_x, test_y = streams(STREAMS)
model = Monitor()
opt = torch.optim.Adam(model.parameters(), lr=0.01)
bce = nn.BCEWithLogitsLoss()


def run(x, y, training):
    model.train(training)
    h, total, right = None, 0.0, 0.0
    for start in range(0, LENGTH, CHUNK):
        part = slice(start, start + CHUNK)
        h = None
        with torch.set_grad_enabled(training):
            logits, h = model(x[:, part], h)
            loss = bce(logits, y[:, part])
        if training:
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
        total += loss.item()
        right += ((logits > 0) == (y[:, part] > 0.5)).float().mean().item()
    chunks = LENGTH // CHUNK
    return total / chunks, right / chunks


for epoch in range(12):
    train_loss, train_acc = run(train_x, train_y, training=True)
    test_loss, test_acc = run(test_x, test_y, training=False)
    print(f"epoch {epoch:2d} train {train_loss:.4f} {train_acc:.4f} test {test_loss:.4f} {test_acc:.4f}")
print("METRIC", test_acc)
