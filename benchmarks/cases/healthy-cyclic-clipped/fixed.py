import os
import torch
from torch import nn

torch.manual_seed(int(os.environ.get("SEED", 0)))
LENGTH = 16


def brackets(n):
    """Depth after each of the symbols, up to four."""
    symbol = torch.randint(0, 2, (n, LENGTH))
    depth, depths = torch.zeros(n, dtype=torch.long), []
    for t in range(LENGTH):
        depth = (depth + 2 * symbol[:, t] - 1).clamp(0, 4)
        depths.append(depth)
    return symbol, torch.stack(depths, 1)


class DepthCounter(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(2, 8)
        self.lstm = nn.LSTM(8, 24, batch_first=True)
        self.classify = nn.Linear(24, 5)

    def forward(self, s):
        return self.classify(self.lstm(self.embed(s))[0])


symbols, depths = brackets(1500)
test_symbols, test_depths = brackets(300)
model = DepthCounter()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.CyclicLR(optimizer, 1e-3, 1.5e-2, step_size_up=60, mode="triangular2", cycle_momentum=False)
for epoch in range(12):
    for idx in torch.randperm(1500).split(50):
        loss = nn.functional.cross_entropy(model(symbols[idx]).transpose(1, 2), depths[idx])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=0.1)
        optimizer.step()
        scheduler.step()
    with torch.no_grad():
        acc = (model(test_symbols).argmax(-1) == test_depths).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} acc {acc:.4f}")
print("METRIC", acc)
