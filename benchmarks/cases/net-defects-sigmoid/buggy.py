import os
import torch
from torch import nn

torch.manual_seed(int(os.environ.get("SEED", 0)))
SIDE = 20


def plates(n):
    masks = torch.zeros(n, 1, SIDE, SIDE)
    for m in masks:
        row, col = torch.randint(2, SIDE - 2, (2,)).tolist()
        slope, reach = float(torch.randn(1)), int(torch.randint(4, 9, (1,)))
        for k in range(-reach, reach + 1):
            r, c = round(row + slope * k), col + k
            if 0 <= r < SIDE and 0 <= c < SIDE:
                m[0, r, c] = 1.0
    texture = nn.functional.avg_pool2d(torch.randn(n, 1, SIDE + 2, SIDE + 2), 3, stride=1)
    return texture + 1.8 * masks + 0.3 * torch.randn(n, 1, SIDE, SIDE), masks


x, m = plates(500)
x_test, m_test = plates(120)
conv = lambda a, b: nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU())


class Segmenter(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(conv(1, 16), conv(16, 16), conv(16, 12))
        self.score = nn.Conv2d(12, 1, 1)

    def forward(self, x):
        return torch.sigmoid(self.score(self.features(x)))


def mask_of(out):
    return out > 0.5


net = Segmenter()
optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
loss_fn = nn.BCEWithLogitsLoss()
for epoch in range(9):
    for idx in torch.randperm(500).split(25):
        optimizer.zero_grad()
        loss = loss_fn(net(x[idx]), m[idx])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        guess, truth = mask_of(net(x_test)), m_test > 0.5
        iou = ((guess & truth).sum() / (guess | truth).sum()).item()
    print(f"epoch {epoch} loss {loss.item():.4f} iou {iou:.4f}")
print("METRIC", iou)
