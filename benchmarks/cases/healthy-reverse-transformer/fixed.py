import os
import torch
from torch import nn

torch.manual_seed(int(os.environ.get("SEED", 0)))
DIGITS, LENGTH, START = 8, 5, 8


def rows(n):
    source = torch.randint(0, DIGITS, (n, LENGTH))
    target = source.flip(1)
    shifted = torch.cat([torch.full((n, 1), START), target[:, :-1]], 1)
    return source, shifted, target


class Seq2Seq(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.embed = nn.Embedding(DIGITS + 1, dim)
        self.place = nn.Parameter(0.3 * torch.randn(LENGTH, dim))
        self.transformer = nn.Transformer(dim, 4, 1, 1, dim_feedforward=64, dropout=0.0, batch_first=True)
        self.out = nn.Linear(dim, DIGITS)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(LENGTH))

    def forward(self, source, shifted):
        a, b = self.embed(source) + self.place, self.embed(shifted) + self.place
        return self.out(self.transformer(a, b, tgt_mask=self.mask, tgt_is_causal=True))


model = Seq2Seq()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.98))
STEPS = 350
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min((s + 1) / 40, 1.0) * max(0.03, 1 - s / STEPS))
criterion = nn.CrossEntropyLoss(label_smoothing=0.02)
for step in range(1, STEPS + 1):
    source, shifted, target = rows(64)
    loss = criterion(model(source, shifted).flatten(0, 1), target.flatten())
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    if step % 50 == 0:
        print(step, round(loss.item(), 4))
model.eval()
source, shifted, target = rows(500)
with torch.no_grad():
    print("METRIC", (model(source, shifted).argmax(-1) == target).float().mean().item())
