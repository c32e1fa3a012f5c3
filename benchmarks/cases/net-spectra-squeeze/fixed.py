import os
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(int(os.environ.get("SEED", 0)))


def spectra(n, channels=40):
    axis = torch.linspace(0, 1, channels)
    amount, other, centre = torch.rand(n, 1), torch.rand(n, 1), 0.4 + 0.04 * torch.randn(n, 1)
    peak = amount * torch.exp(-((axis - centre) / 0.06) ** 2)
    broad = other * torch.exp(-((axis - 0.55) / 0.2) ** 2)
    absorbance = 1 - torch.exp(-1.5 * (peak + broad)) + 0.02 * torch.randn(n, channels)
    return absorbance, amount


x, y = spectra(1800)
x = (x - x[:1400].mean(0)) / x[:1400].std(0)
y = (y - y[:1400].mean()) / y[:1400].std()


class Spectrometer(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 8, 7, stride=2, padding=3)
        self.fc1 = nn.Linear(8 * 20, 32)
        self.fc2 = nn.Linear(32, 1)

    def forward(self, x):
        x = F.gelu(self.conv(x.unsqueeze(1))).flatten(1)
        return self.fc2(F.gelu(self.fc1(x)))


def objective(prediction, target):
    return (prediction - target).abs().mean() + (prediction - target).pow(2).mean()


model = Spectrometer()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
for epoch in range(15):
    epoch_loss = 0.0
    for idx in torch.randperm(1400).split(35):
        loss = objective(model(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() / 40
    print(f"epoch {epoch} {epoch_loss:.4f}")
with torch.no_grad():
    guess = model(x[1400:]).view(-1, 1)
print("METRIC", (1 - F.mse_loss(guess, y[1400:]) / y[1400:].var()).item())
