import os

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader

torch.manual_seed(int(os.environ.get("SEED", 0)))
clean = torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1) / 16
clean = clean[torch.randperm(len(clean))]
train_loader = DataLoader(clean[:1400], batch_size=50, shuffle=True)
test_clean = clean[1400:]
test_noisy = test_clean + 0.3 * torch.randn_like(test_clean)

encoder = nn.Sequential(
    nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.LeakyReLU(0.1),
    nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.LeakyReLU(0.1),
)
decoder = nn.Sequential(
    nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1), nn.LeakyReLU(0.1),
    nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1), nn.Sigmoid(),
)
model = nn.Sequential(encoder, decoder)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
mse = nn.MSELoss()

for epoch in range(20):
    epoch_loss = 0.0
    for images in train_loader:
        noisy = images + 0.3 * torch.randn_like(images)
        loss = mse(model(noisy), images)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() / len(train_loader)
    scheduler.step()
    if epoch % 4 == 3:
        with torch.no_grad():
            print(f"epoch {epoch + 1} train {epoch_loss:.5f} test {mse(model(test_noisy), test_clean).item():.5f}")

with torch.no_grad():
    left = mse(model(test_noisy), test_clean) / (test_clean - clean[:1400].mean(0)).pow(2).mean()
print("METRIC", 1 - left.item())
