import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(int(os.environ.get("SEED", 0)))


def walks(n, length=20):
    """Did the first walk end above, near or below half the mean of the second?"""
    step = torch.randn(n, length, 2)
    path = step.cumsum(1)
    drift = path[:, -1, 0] - 0.5 * path[:, :, 1].mean(1)
    label = torch.bucketize(drift, torch.tensor([-2.0, 2.0]))
    return step, label


x_train, y_train = walks(2000)
x_valid, y_valid = walks(500)
train_loader = DataLoader(TensorDataset(x_train, y_train), batch_size=40, shuffle=True)


class WalkClassifier(nn.Module):
    def __init__(self, hidden_size=24):
        super().__init__()
        self.lstm = nn.LSTM(input_size=2, hidden_size=hidden_size, batch_first=True)
        self.linear = nn.Linear(hidden_size, 3)

    def forward(self, x):
        output, (h_n, c_n) = self.lstm(x)
        return self.linear(output[:, -1, :])


model = WalkClassifier()
optimizer = torch.optim.Adam(model.parameters(), lr=8e-3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.85)
loss_function = nn.CrossEntropyLoss()
for epoch in range(12):
    model.train()
    for sequences, labels in train_loader:
        model.zero_grad()
        loss = loss_function(model(sequences), labels)
        loss.backward()
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        acc = (model(x_valid).argmax(1) == y_valid).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} valid acc {acc:.4f}")
print("METRIC", acc)
