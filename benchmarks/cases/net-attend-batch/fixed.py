import os
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(int(os.environ.get("SEED", 0)))
KEYS, VALUES, SLOTS = 8, 5, 6


def lookups(n):
    keys = torch.stack([torch.randperm(KEYS)[:SLOTS] for _ in range(n)])
    values = torch.randint(0, VALUES, (n, SLOTS))
    chosen = torch.randint(0, SLOTS, (n, 1))
    return keys, values, keys.gather(1, chosen).squeeze(1), values.gather(1, chosen).squeeze(1)


class Lookup(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.key = nn.Embedding(KEYS, dim)
        self.value = nn.Embedding(VALUES, dim)
        self.query = nn.Embedding(KEYS, dim)
        self.out = nn.Linear(dim, VALUES)

    def forward(self, keys, values, query):
        scores = torch.einsum("bd,bsd->bs", self.query(query), self.key(keys)) / 24 ** 0.5
        attention = torch.softmax(scores, dim=1)
        return self.out(torch.einsum("bs,bsd->bd", attention, self.value(values)))


train = lookups(3000)
test = lookups(600)
loader = DataLoader(TensorDataset(*train), batch_size=50, shuffle=True)
model = Lookup()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(10):
    for keys, values, query, answer in loader:
        loss = criterion(model(keys, values, query), answer)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        acc = (model(*test[:3]).argmax(1) == test[3]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} acc {acc:.4f}")
print("METRIC", acc)
