import os
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(int(os.environ.get("SEED", 0)))
WORDS, LENGTH = 40, 12
follow = torch.randperm(WORDS)


def sentences(n):
    """Words come in pairs: a free one, then the one that belongs to it."""
    free = torch.randint(0, WORDS, (n, LENGTH // 2))
    return torch.stack([free, follow[free]], 2).flatten(1)


class TiedLM(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.embed = nn.Embedding(WORDS, dim)
        nn.init.normal_(self.embed.weight, std=dim ** -0.5)
        self.gru = nn.GRU(dim, dim, batch_first=True)
        self.project = nn.Linear(dim, dim)
        self.decode = nn.Linear(dim, WORDS)
        self.decode.weight = self.embed.weight

    def forward(self, words):
        return self.decode(self.project(self.gru(self.embed(words))[0]))


model = TiedLM()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=400)
for step in range(1, 401):
    words = sentences(48)
    logits = model(words[:, :-1])
    loss = F.cross_entropy(logits.flatten(0, 1), words[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 50 == 0:
        print(f"step {step} loss {loss.item():.4f}")
test = sentences(500)
with torch.no_grad():
    guess = model(test[:, :-1]).argmax(-1)
print("METRIC", (guess[:, ::2] == test[:, 1::2]).float().mean().item())
