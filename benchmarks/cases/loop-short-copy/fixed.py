import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(int(os.environ.get("SEED", 0)))
SYMBOLS, LENGTH, START = 8, 5, 8
EPOCHS = 16


class Seq2Seq(nn.Module):
    def __init__(self, dim=16, hidden=64):
        super().__init__()
        self.embed = nn.Embedding(SYMBOLS + 1, dim)
        self.encoder = nn.GRU(dim, hidden, batch_first=True)
        self.decoder = nn.GRU(dim, hidden, batch_first=True)
        self.out = nn.Linear(hidden, SYMBOLS)

    def forward(self, source, target):
        _, state = self.encoder(self.embed(source))
        start = torch.full_like(target[:, :1], START)
        states, _ = self.decoder(self.embed(torch.cat([start, target[:, :-1]], dim=1)), state)
        return self.out(states)


source = torch.randint(0, SYMBOLS, (2600, LENGTH))
target = source.flip(1)
train_dl = DataLoader(TensorDataset(source[:2100], target[:2100]), batch_size=60, shuffle=True)
model = Seq2Seq()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
ce = nn.CrossEntropyLoss()

for epoch in range(EPOCHS):
    model.train()
    total = 0.0
    for src, tgt in train_dl:
        logits = model(src, tgt)
        loss = ce(logits.reshape(-1, SYMBOLS), tgt.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        logits = model(source[2100:], target[2100:])
        val = ce(logits.reshape(-1, SYMBOLS), target[2100:].reshape(-1)).item()
        accuracy = (logits.argmax(-1) == target[2100:]).float().mean().item()
    print(f"epoch {epoch + 1}/{EPOCHS} train {total / len(train_dl):.3f} val {val:.3f} token accuracy {accuracy:.3f}")

print("METRIC", accuracy)
