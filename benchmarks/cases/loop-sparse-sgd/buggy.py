import os
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

seed = int(os.environ.get("SEED", 0))
rng = np.random.default_rng(seed)
torch.manual_seed(seed)

WORDS, LENGTH = 600, 15
frequency = 1.0 / np.arange(1, WORDS + 1) ** 0.7
frequency /= frequency.sum()
mood = np.random.default_rng(2).choice([-1.0, 0.0, 1.0], size=WORDS)


def reviews(n):
    tokens = rng.choice(WORDS, size=(n, LENGTH), p=frequency)
    score = mood[tokens].sum(1)
    keep = score != 0
    return torch.from_numpy(tokens[keep]), torch.from_numpy((score[keep] > 0).astype(np.float32))


train_x, train_y = reviews(4500)
test_x, test_y = reviews(1000)


class Reviews(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(WORDS, 8)
        self.fc = nn.Linear(8, 1)

    def forward(self, tokens):
        return self.fc(self.embedding(tokens).mean(1)).squeeze(1)


model = Reviews()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for epoch in range(9):
    model.train()
    losses = []
    for idx in torch.randperm(len(train_x)).split(64):
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(train_x[idx]), train_y[idx])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        out = model(test_x)
        test_loss = F.binary_cross_entropy_with_logits(out, test_y).item()
    acc = ((out > 0) == (test_y > 0.5)).float().mean().item()
    print(f"epoch {epoch} train loss {np.mean(losses):.4f} test loss {test_loss:.4f} test acc {acc:.4f}")

print("METRIC", acc)
