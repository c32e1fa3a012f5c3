import os
import torch
import torch.nn as nn

torch.manual_seed(int(os.environ.get("SEED", 0)))
STEPS = 40


def sequences(n):
    x = 0.5 * torch.randn(n, STEPS, 2)
    sign = torch.randint(0, 2, (n,))
    x[:, :3, 0] += (2 * sign[:, None] - 1).float()
    return x, sign


class SignNet(nn.Module):
    def __init__(self, hidden=20):
        super().__init__()
        self.cell = nn.RNNCell(2, hidden)
        self.score = nn.Linear(hidden, 2)
        nn.init.normal_(self.cell.weight_hh, std=0.02)

    def forward(self, x):
        h = torch.zeros(len(x), self.cell.hidden_size)
        for t in range(STEPS):
            h = self.cell(x[:, t], h)
        return self.score(h)


x_train, y_train = sequences(1000)
x_test, y_test = sequences(400)
model = SignNet()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for idx in torch.randperm(1000).split(50):
        loss = nn.functional.cross_entropy(model(x_train[idx]), y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    with torch.no_grad():
        acc = (model(x_test).argmax(1) == y_test).float().mean().item()
    print("epoch", epoch, "loss", round(loss.item(), 4), "acc", round(acc, 4))
print("METRIC", acc)
