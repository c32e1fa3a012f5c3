import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.metrics import f1_score

torch.manual_seed(int(os.environ.get("SEED", 0)))
MOODS, FEATURES = 7, 16
axes = torch.randn(FEATURES, MOODS) / FEATURES ** 0.5
songs = torch.randn(3000, FEATURES)
scores = 2.5 * torch.tanh(songs @ axes) + (songs[:, :MOODS] ** 2 - 1) * 0.8
moods = (scores > 0.2).float()
loader = DataLoader(TensorDataset(songs[:2400], moods[:2400]), batch_size=60, shuffle=True)
x_test, y_test = songs[2400:], moods[2400:]

model = nn.Sequential(nn.Linear(FEATURES, 96), nn.ReLU(), nn.Linear(96, 48), nn.ReLU(), nn.Linear(48, MOODS))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 14)


def predict(x):
    model.eval()
    with torch.no_grad():
        return (torch.softmax(model(x), dim=1) > 0.5).float()


for epoch in range(14):
    model.train()
    for x, y in loader:
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    f1 = f1_score(y_test.numpy(), predict(x_test).numpy(), average="micro")
    print(f"epoch {epoch + 1} loss {loss.item():.4f} f1 {f1:.4f}")
print("METRIC", f1)
