import os
from collections import Counter

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

seed = int(os.environ.get("SEED", 0))
rng = np.random.default_rng(seed)
torch.manual_seed(seed)

QUEUES = ["billing", "login", "delivery", "returns"]
VOCAB = 160
profile = np.random.default_rng(11).dirichlet(np.full(VOCAB, 0.25), size=len(QUEUES))


def ticket():
    queue = int(rng.integers(len(QUEUES)))
    words = rng.choice(VOCAB, size=int(rng.integers(12, 30)), p=profile[queue])
    by_rule = queue if rng.random() > 0.4 else int(rng.choice([q for q in range(len(QUEUES)) if q != queue]))
    return {"words": words, "solved_by": queue, "rule": by_rule}


tickets = [ticket() for _ in range(2200)]
train_set, test_set = tickets[:1700], tickets[1700:]
print("train queues:", Counter(QUEUES[t["solved_by"]] for t in train_set))


def collate(batch, key):
    words = [torch.as_tensor(t["words"]) for t in batch]
    offsets = torch.tensor([0] + [len(w) for w in words[:-1]]).cumsum(0)
    return torch.cat(words), offsets, torch.tensor([t[key] for t in batch])


loader = DataLoader(train_set, batch_size=34, shuffle=True, collate_fn=lambda b: collate(b, "solved_by"))


class TicketModel(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.bag = nn.EmbeddingBag(VOCAB, dim, mode="mean")
        self.norm = nn.LayerNorm(dim)
        self.fc = nn.Linear(dim, len(QUEUES))

    def forward(self, words, offsets):
        return self.fc(self.norm(self.bag(words, offsets)))


model = TicketModel()
opt = torch.optim.Adam(model.parameters(), lr=8e-3, weight_decay=1e-4)
ce = nn.CrossEntropyLoss()
words, offsets, truth = collate(test_set, "solved_by")
for epoch in range(7):
    model.train()
    seen = 0.0
    for w, o, q in loader:
        loss = ce(model(w, o), q)
        opt.zero_grad()
        loss.backward()
        opt.step()
        seen += loss.item()
    model.eval()
    with torch.no_grad():
        out = model(words, offsets)
    acc = (out.argmax(1) == truth).float().mean().item()
    print(f"epoch {epoch}: train {seen / len(loader):.3f} test {ce(out, truth).item():.3f} acc {acc:.3f}")
print("METRIC", acc)
