import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(int(os.environ.get("SEED", 0)))
VOCAB, LENGTH, ACCUMULATE, EPOCHS = 10, 9, 2, 14


def questions(n):
    """Does the last token occur earlier in the sequence?"""
    x = torch.randint(0, VOCAB, (n, LENGTH))
    want = torch.rand(n) < 0.5
    for k in range(n):
        body = x[k, :-1]
        if want[k]:
            x[k, -1] = body[torch.randint(0, LENGTH - 1, (1,))]
        else:
            missing = [t for t in range(VOCAB) if t not in body.tolist()]
            x[k, -1] = missing[int(torch.randint(0, len(missing), (1,)))]
    return x, want.float()


class TinyTransformer(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.token = nn.Embedding(VOCAB, dim)
        self.position = nn.Parameter(0.02 * torch.randn(LENGTH, dim))
        layer = nn.TransformerEncoderLayer(dim, nhead=4, dim_feedforward=64, dropout=0.0, batch_first=True,
                                           norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False)
        self.head = nn.Linear(dim, 1)

    def forward(self, x):
        h = self.encoder(self.token(x) + self.position)
        return self.head(h[:, -1]).squeeze(-1)


train_dl = DataLoader(TensorDataset(*questions(2400)), batch_size=32, shuffle=True)
val_x, val_y = questions(500)
model = TinyTransformer()
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.01)
total_steps = EPOCHS * (len(train_dl) // ACCUMULATE)
warmup = 40


def rate(step):
    if step < warmup:
        return step / warmup
    return max(0.02, (total_steps - step) / (total_steps - warmup))


scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(EPOCHS):
    model.train()
    running = 0.0
    for i, (x, y) in enumerate(train_dl):
        loss = criterion(model(x), y)
        (loss / ACCUMULATE).backward()
        running += loss.item()
        if (i + 1) % ACCUMULATE == 0:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        out = model(val_x)
    acc = ((out > 0) == (val_y > 0.5)).float().mean().item()
    print(f"epoch {epoch} train {running / len(train_dl):.4f} val {criterion(out, val_y).item():.4f} acc {acc:.4f}")
print("METRIC", acc)
