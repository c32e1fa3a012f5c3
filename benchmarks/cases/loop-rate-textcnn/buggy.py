import os
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(int(os.environ.get("SEED", 0)))
VOCAB, LENGTH = 20, 18
PHRASES = torch.tensor([[3, 7], [7, 3], [5, 11]])


def sentences(n):
    x = torch.randint(8, VOCAB, (n, LENGTH))
    y = torch.randint(0, len(PHRASES), (n,))
    at = torch.randint(0, LENGTH - 1, (n,))
    for k in range(n):
        x[k, at[k]:at[k] + 2] = PHRASES[y[k]]
    return TensorDataset(x, y)


class TextCNN(nn.Module):
    def __init__(self, dim=12, channels=24):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim)
        self.conv = nn.Conv1d(dim, channels, 2)
        self.fc1 = nn.Linear(channels, 32)
        self.fc2 = nn.Linear(32, len(PHRASES))

    def forward(self, tokens):
        h = self.embed(tokens).transpose(1, 2)
        h = F.relu(self.conv(h)).amax(dim=2)
        return self.fc2(F.relu(self.fc1(h)))


train_loader = DataLoader(sentences(1800), batch_size=45, shuffle=True)
dev_loader = DataLoader(sentences(400), batch_size=200)
model = TextCNN()
optimizer = torch.optim.Adam(model.parameters(), lr=0.2)

for epoch in range(12):
    model.train()
    for tokens, label in train_loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(tokens), label)
        loss.backward()
        optimizer.step()
    model.eval()
    hits, dev_loss = 0, 0.0
    with torch.no_grad():
        for tokens, label in dev_loader:
            out = model(tokens)
            dev_loss += F.cross_entropy(out, label, reduction="sum").item()
            hits += (out.argmax(1) == label).sum().item()
    print(f"epoch {epoch} last batch {loss.item():.3f} dev {dev_loss / 400:.3f} accuracy {hits / 400:.3f}")
print("METRIC", hits / 400)
