import os
import torch
from torch import nn
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)
X, y = load_digits(return_X_y=True)
X = (X / 16 - 0.305) / 0.376
a, b, ya, yb = (torch.tensor(v) for v in train_test_split(X, y, test_size=0.25, random_state=seed))
a, b = a.float(), b.float()
loader = DataLoader(TensorDataset(a, ya), batch_size=32, shuffle=True, drop_last=True)

model = nn.Sequential(nn.Linear(64, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2),
                      nn.Linear(64, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3)
warmup = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=3 * len(loader))
averaged = AveragedModel(model)
swa_scheduler = SWALR(optimizer, swa_lr=0.02, anneal_epochs=2)
START, EPOCHS = 10, 16
criterion = nn.CrossEntropyLoss()
for epoch in range(EPOCHS):
    model.train()
    total = 0.0
    for x, t in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), t)
        loss.backward()
        optimizer.step()
        if epoch < START:
            warmup.step()
        total += loss.item() / len(loader)
    if epoch >= START:
        averaged.update_parameters(model)
        swa_scheduler.step()
    print(f"epoch {epoch} loss {total:.4f} rate {optimizer.param_groups[0]['lr']:.4f}")

update_bn(loader, averaged)
averaged.eval()
with torch.no_grad():
    print("METRIC", (averaged(b).argmax(1) == yb).float().mean().item())
