import os
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(int(os.environ.get("SEED", 0)))
SENSORS, LENGTH, CLASSES = 4, 30, 4


def recordings(n):
    """Sensors first in the file: (sensors, samples, time). The class is the sensor pair that beats together."""
    x = torch.randn(SENSORS, n, LENGTH)
    label = torch.randint(0, CLASSES, (n,))
    common = 1.3 * torch.randn(n, LENGTH)
    rows = torch.arange(n)
    x[label, rows] += common
    x[(label + 1) % SENSORS, rows] += common
    return x / 1.4, label


x_train, y_train = recordings(1500)
x_test, y_test = recordings(400)


def batch_of(x, idx):
    return x[:, idx].transpose(0, 1)


net = nn.Sequential(nn.Conv1d(SENSORS, 24, 1), nn.ReLU(), nn.Conv1d(24, 24, 1), nn.ReLU(), nn.AdaptiveAvgPool1d(1),
                    nn.Flatten(), nn.Linear(24, CLASSES))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(10):
    for idx in torch.randperm(1500).split(50):
        loss = F.cross_entropy(net(batch_of(x_train, idx)), y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        acc = (net(batch_of(x_test, torch.arange(400))).argmax(1) == y_test).float().mean().item()
    print(epoch, round(loss.item(), 4), round(acc, 4))
print("METRIC", acc)
