import os
import torch
import torch.nn as nn
import torch.optim as optim
from sklearn.datasets import make_circles
from sklearn.model_selection import train_test_split

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)

X, y = make_circles(n_samples=1400, noise=0.08, factor=0.5, random_state=seed)
X = X / 0.6
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=seed)
X_train, X_test = torch.FloatTensor(X_train), torch.FloatTensor(X_test)
y_train, y_test = torch.FloatTensor(y_train).view(-1, 1), torch.FloatTensor(y_test).view(-1, 1)


class CircleNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer_1 = nn.Linear(2, 16)
        self.layer_2 = nn.Linear(16, 16)
        self.layer_out = nn.Linear(16, 1)

    def forward(self, x):
        x = torch.relu(self.layer_1(x))
        x = torch.relu(self.layer_2(x))
        return torch.sigmoid(self.layer_out(x))


model = CircleNet()
criterion = nn.BCELoss()
optimizer = optim.Adam(model.parameters(), lr=0.005)


def train_step(batch_x, batch_y):
    prediction = model(batch_x)
    loss = criterion(prediction, batch_y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


for epoch in range(12):
    losses = [train_step(X_train[i], y_train[i]) for i in torch.randperm(len(X_train)).split(25)]
    with torch.no_grad():
        output = model(X_test)
        val_loss = criterion(output, y_test).item()
        val_acc = ((output > 0.5) == (y_test > 0.5)).float().mean().item()
    print(f"Epoch {epoch + 1:02d} | Train Loss: {sum(losses) / len(losses):.4f} | Val Loss: {val_loss:.4f} | Val Acc: {val_acc:.3f}")

print("METRIC", val_acc)
