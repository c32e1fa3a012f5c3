import os
import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

seed = int(os.environ.get("SEED", 0))
rng = np.random.default_rng(seed)
torch.manual_seed(seed)
ALPHABET = 12
transition = np.random.default_rng(31).dirichlet(np.full(ALPHABET, 0.35), size=(ALPHABET, ALPHABET))


def text(n):
    out = list(rng.integers(0, ALPHABET, 2))
    draws = rng.random(n)
    cumulative = transition.cumsum(axis=2)
    for k in range(n):
        out.append(min(int(np.searchsorted(cumulative[out[-2], out[-1]], draws[k])), ALPHABET - 1))
    return np.array(out)


def entropy(codes):
    p = transition[codes[:-2], codes[1:-1], codes[2:]]
    return float(-np.log(np.maximum(p, 1e-12)).mean())


train_text, test_text = text(40000), text(6000)
train_codes, test_codes = torch.tensor(train_text), torch.tensor(test_text)
BLOCK = 20


def get_batch(codes, size=40):
    starts = torch.randint(0, len(codes) - BLOCK - 1, (size,))
    x = torch.stack([codes[s:s + BLOCK] for s in starts.tolist()])
    y = torch.stack([codes[s + 1:s + BLOCK + 1] for s in starts.tolist()])
    return x, y


class CharRNN(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.embed = nn.Embedding(ALPHABET, 16)
        self.rnn = nn.GRU(16, dim, batch_first=True)
        self.head = nn.Linear(dim, ALPHABET)

    def forward(self, x, state=None):
        h, state = self.rnn(self.embed(x), state)
        return self.head(h), state


model = CharRNN()
opt = torch.optim.AdamW(model.parameters(), lr=8e-3)
STEPS = 700
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=STEPS, eta_min=4e-4)
for step in range(1, STEPS + 1):
    x, y = get_batch(train_codes)
    logits, _ = model(x)
    loss = F.cross_entropy(logits.flatten(0, 1), y.flatten())
    opt.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    sched.step()
    if step % 100 == 0:
        with torch.no_grad():
            logits, _ = model(test_codes[None, :-1])
            test_loss = F.cross_entropy(logits[0], test_codes[1:]).item()
        print(f"step {step}: train {loss.item():.4f} test {test_loss:.4f} entropy {entropy(test_text):.4f}")
print("METRIC", entropy(test_text) / test_loss)
