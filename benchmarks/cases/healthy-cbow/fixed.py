import os
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(int(os.environ.get("SEED", 0)))

KINDS, PER_KIND, WINDOW = 8, 10, 2
VOCAB = KINDS * PER_KIND
follows, sometimes = torch.eye(KINDS)[torch.randperm(KINDS)], torch.eye(KINDS)[torch.randperm(KINDS)]
grammar = 0.6 * follows + 0.3 * sometimes + 0.1 / KINDS

kinds = [0]
for _ in range(29999):
    kinds.append(int(torch.multinomial(grammar[kinds[-1]], 1)))
text = torch.tensor(kinds) * PER_KIND + torch.randint(0, PER_KIND, (len(kinds),))

centre = torch.arange(WINDOW, len(text) - WINDOW)
offsets = torch.tensor([-2, -1, 1, 2])
contexts, targets = text[centre[:, None] + offsets], text[centre]


class CBOW(nn.Module):
    def __init__(self, vocab, dim=5):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim)
        self.output = nn.Linear(4 * dim, vocab)

    def forward(self, words):
        return self.output(self.embed(words).flatten(1))


model = CBOW(VOCAB)
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=6)
for epoch in range(6):
    total = 0.0
    for batch in torch.randperm(len(targets)).split(128):
        loss = F.cross_entropy(model(contexts[batch]), targets[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch) / len(targets)
    scheduler.step()
    print(f"epoch {epoch + 1} loss {total:.4f}")

vectors = F.normalize(model.embed.weight.detach(), dim=1)
similar = vectors @ vectors.T
similar.fill_diagonal_(-1)
kind = torch.arange(VOCAB) // PER_KIND
print("METRIC", (kind[similar.argmax(1)] == kind).float().mean().item())
