import os
import torch
from torch import nn
from torch.utils.data import DataLoader
from sklearn.datasets import load_digits

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)

clean = torch.tensor(load_digits().data, dtype=torch.float32) / 16
clean = clean[torch.randperm(len(clean))]
noisy = (clean + 0.25 * torch.randn_like(clean)).clamp(0, 1)
n_train = 1400

pair_loader = DataLoader(list(zip(noisy[:n_train], clean[:n_train])), batch_size=35, shuffle=True)

encoder = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 24), nn.ReLU())
decoder = nn.Sequential(nn.Linear(24, 96), nn.ReLU(), nn.Linear(96, 64))
params = list(encoder.parameters()) + list(decoder.parameters())
optimizer = torch.optim.Adam(params, lr=2e-3)
mse = nn.MSELoss()

for epoch in range(20):
    running = []
    for dirty, target in pair_loader:
        restored = decoder(encoder(dirty))
        loss = mse(restored, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running.append(loss.item())
    with torch.no_grad():
        val = mse(decoder(encoder(noisy[n_train:])), clean[n_train:]).item()
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1}: train {sum(running) / len(running):.4f}, held out {val:.4f}")

spread = (clean[n_train:] - clean[:n_train].mean(0)).pow(2).mean().item()
print("METRIC", 1 - val / spread)
