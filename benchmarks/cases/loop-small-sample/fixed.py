import os
import torch
from torch import nn

torch.manual_seed(int(os.environ.get("SEED", 0)))


def clinic(n):
    group = torch.randint(0, 3, (n,))
    shift = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])[group]
    x = torch.randn(n, 25)
    x[:, :3] += 1.6 * shift
    return x, group


x_train, y_train = clinic(150)
x_val, y_val = clinic(300)
x_test, y_test = clinic(900)

model = nn.Sequential(nn.Linear(25, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=0.1)
EPOCHS = 30
criterion = nn.CrossEntropyLoss()

for epoch in range(EPOCHS):
    model.train()
    running = 0.0
    for idx in torch.randperm(len(x_train)).split(15):
        optimizer.zero_grad()
        loss = criterion(model(x_train[idx]), y_train[idx])
        loss.backward()
        optimizer.step()
        running += loss.item() * len(idx) / len(x_train)
    model.eval()
    with torch.no_grad():
        val_loss = criterion(model(x_val), y_val).item()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1} train {running:.4f} val {val_loss:.4f}")

with torch.no_grad():
    test_loss = criterion(model(x_test), y_test).item()
    print(f"test accuracy {(model(x_test).argmax(1) == y_test).float().mean().item():.4f}")
print("METRIC", -test_loss)
