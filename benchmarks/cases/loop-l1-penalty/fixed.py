import os
import torch
import torch.nn.functional as F
from torch import nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)
L1 = 1e-4

images, labels = load_digits(return_X_y=True)
images = (images - 8.0) / 8.0
a, b, ya, yb = train_test_split(images, labels, test_size=400, random_state=seed)
a, b = torch.tensor(a, dtype=torch.float32), torch.tensor(b, dtype=torch.float32)
ya, yb = torch.tensor(ya), torch.tensor(yb)

model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)


def penalty():
    return sum(p.abs().sum() for name, p in model.named_parameters() if name.endswith("weight"))


for epoch in range(14):
    data_loss, l1_loss = 0.0, 0.0
    for idx in torch.randperm(len(a)).split(35):
        fit = F.cross_entropy(model(a[idx]), ya[idx])
        sparse = L1 * penalty()
        loss = fit + sparse
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        data_loss += fit.item() * len(idx) / len(a)
        l1_loss += sparse.item() * len(idx) / len(a)
    with torch.no_grad():
        out = model(b)
    accuracy = (out.argmax(1) == yb).float().mean().item()
    print(f"epoch {epoch}: fit {data_loss:.4f} l1 {l1_loss:.4f} test {F.cross_entropy(out, yb).item():.4f} acc {accuracy:.4f}")
print("METRIC", accuracy)
