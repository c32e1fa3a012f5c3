import os
import random
import torch
from torch import nn

seed = int(os.environ.get("SEED", 0))
random.seed(seed)
torch.manual_seed(seed)

NAMES = ["anna", "boris", "clara", "dmitri"]
VERBS = ["sees", "calls", "likes"]


def sentence():
    a, b = random.choice(NAMES), random.choice(NAMES)
    return f"{a} {random.choice(VERBS)} {b}, {b} answers {a}. "


text = "".join(sentence() for _ in range(1100))
chars = sorted(set(text))
codes = torch.tensor([chars.index(c) for c in text])

STREAMS, STEPS = 16, 32
length = len(codes) // STREAMS
streams = codes[:length * STREAMS].view(STREAMS, length)  # each row is read from its start to its end
train, valid = streams[:, :int(0.85 * length)], streams[:, int(0.85 * length):]


class CharModel(nn.Module):
    def __init__(self, size, hidden=48):
        super().__init__()
        self.embed = nn.Embedding(size, 16)
        self.gru = nn.GRU(16, hidden, batch_first=True)
        self.decode = nn.Linear(hidden, size)

    def forward(self, x, h=None):
        y, h = self.gru(self.embed(x), h)
        return self.decode(y), h


model = CharModel(len(chars))
optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 4, gamma=0.4)
criterion = nn.CrossEntropyLoss()


def evaluate():
    model.eval()
    with torch.no_grad():
        logits, _ = model(valid[:, :-1])
        loss = criterion(logits.flatten(0, 1), valid[:, 1:].flatten()).item()
    hit = (logits.argmax(-1) == valid[:, 1:])[:, 40:]
    model.train()
    return loss, hit.float().mean().item()


for epoch in range(10):
    h, total, count = None, 0.0, 0
    for start in range(0, train.shape[1] - STEPS - 1, STEPS):
        x = train[:, start:start + STEPS]
        y = train[:, start + 1:start + STEPS + 1]
        if h is not None:
            h = h.detach()
        logits, h = model(x, h)
        loss = criterion(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total, count = total + loss.item(), count + 1
    scheduler.step()
    val, acc = evaluate()
    print(f"epoch {epoch} train {total / count:.4f} valid {val:.4f} accuracy {acc:.4f}")
print("METRIC", acc)
