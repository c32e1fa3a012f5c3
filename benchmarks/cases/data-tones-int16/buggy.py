import os

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
RATE, LENGTH = 8000, 128
TONES = np.array([440.0, 587.3, 740.0, 880.0, 1174.7])


def record(n):
    tone = rng.integers(0, len(TONES), n)
    t = np.arange(LENGTH) / RATE
    phase = rng.uniform(0, 2 * np.pi, (n, 1))
    loud = rng.uniform(4000, 14000, (n, 1))
    wave = loud * np.sin(2 * np.pi * TONES[tone][:, None] * t + phase) + rng.normal(0, 2500, (n, LENGTH))
    return wave.clip(-32768, 32767).astype(np.int16), tone


def prepare(pcm, tone):
    x = torch.from_numpy(pcm.astype(np.float32)).unsqueeze(1)
    return x, torch.from_numpy(tone)


class ToneNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(1, 12, 15, stride=2, padding=7)
        self.conv2 = nn.Conv1d(12, 24, 9, stride=2, padding=4)
        self.head = nn.Linear(24, len(TONES))

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        return self.head(x.mean(dim=2))


def run_epoch(net, x, y, opt=None):
    net.train(opt is not None)
    losses, hits = [], 0
    order = torch.randperm(len(x)) if opt is not None else torch.arange(len(x))
    with torch.set_grad_enabled(opt is not None):
        for pick in order.split(40):
            out = net(x[pick])
            loss = F.cross_entropy(out, y[pick])
            if opt is not None:
                opt.zero_grad(set_to_none=True)
                loss.backward()
                opt.step()
            losses.append(loss.item())
            hits += (out.argmax(1) == y[pick]).sum().item()
    return sum(losses) / len(losses), hits / len(x)


x_train, y_train = prepare(*record(1600))
x_test, y_test = prepare(*record(400))
net = ToneNet()
opt = torch.optim.SGD(net.parameters(), lr=0.03, momentum=0.9)
for epoch in range(9):
    train_loss, train_acc = run_epoch(net, x_train, y_train, opt)
    test_loss, test_acc = run_epoch(net, x_test, y_test)
    print(f"{epoch}: train {train_loss:.3f}/{train_acc:.3f}  test {test_loss:.3f}/{test_acc:.3f}")
print("METRIC", test_acc)
