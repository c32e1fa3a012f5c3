import os
import torch
from torch import nn, optim
from torch.utils.data import DataLoader
from sklearn.datasets import load_digits

torch.manual_seed(int(os.environ.get("SEED", 0)))
pixels = torch.tensor(load_digits().data / 16.0).float()
pixels = pixels[torch.randperm(len(pixels))]
train_px, test_px = pixels[:1500], pixels[1500:]


class AutoEncoder(nn.Module):
    def __init__(self, code=16):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 64), nn.LeakyReLU(), nn.Linear(64, code))
        self.decoder = nn.Sequential(nn.Linear(code, 64), nn.LeakyReLU(), nn.Linear(64, 64), nn.Sigmoid())

    def forward(self, x):
        return self.decoder(self.encoder(x))


ae = AutoEncoder()
opt = optim.Adam(ae.parameters(), lr=3e-3)
loader = DataLoader(train_px, batch_size=50, shuffle=True)
n_epochs = 3
sched = optim.lr_scheduler.StepLR(opt, step_size=max(1, n_epochs // 2), gamma=0.4)
for epoch in range(n_epochs):
    ae.train()
    losses = []
    for x in loader:
        rec = ae(x)
        loss = nn.functional.binary_cross_entropy(rec, x)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    sched.step()
    ae.eval()
    with torch.no_grad():
        test_rec = ae(test_px)
        test_mse = nn.functional.mse_loss(test_rec, test_px).item()
        test_bce = nn.functional.binary_cross_entropy(test_rec, test_px).item()
    if epoch % 5 == 4 or n_epochs < 5:
        print(f"epoch {epoch + 1}: bce {sum(losses) / len(losses):.4f} test bce {test_bce:.4f} test mse {test_mse:.4f}")
print("METRIC", 1 - test_mse / (test_px - train_px.mean(0)).pow(2).mean().item())
