import os
import numpy as np
import torch
from torch import nn

seed = int(os.environ.get("SEED", 0))
np.random.seed(seed)
torch.manual_seed(seed)

time = np.arange(900)
load = np.sin(2 * np.pi * time / 25) + 0.6 * np.sin(2 * np.pi * time / 11 + 0.5) + 0.08 * np.random.randn(900)
load = (load - load[:700].mean()) / load[:700].std()


def create_dataset(series, lookback=20):
    x, y = [], []
    for i in range(len(series) - lookback):
        x.append(series[i:i + lookback])
        y.append(series[i + lookback])
    x, y = np.array(x), np.array(y)
    return torch.tensor(x, dtype=torch.float32).unsqueeze(2), torch.tensor(y, dtype=torch.float32).unsqueeze(1)


x_train, y_train = create_dataset(load[:700])
x_test, y_test = create_dataset(load[700:])


class LSTMModel(nn.Module):
    def __init__(self, input_dim=1, hidden_dim=32, output_dim=1):
        super(LSTMModel, self).__init__()
        self.lstm = nn.LSTM(input_dim, hidden_dim, num_layers=1, batch_first=True)
        self.linear = nn.Linear(hidden_dim, output_dim)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.linear(out[:, -1, :])


model = LSTMModel()
loss_fn = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

for epoch in range(20):
    model.train()
    for batch in torch.randperm(len(x_train)).split(40):
        y_pred = model(x_train[batch])
        loss = loss_fn(y_pred, y_train[batch])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        train_rmse = loss_fn(model(x_train), y_train).sqrt().item()
        test_mse = loss_fn(model(x_test), y_test).item()
    if epoch % 4 == 3:
        print("Epoch %d: train RMSE %.4f, test RMSE %.4f" % (epoch + 1, train_rmse, test_mse ** 0.5))

print("METRIC", 1 - test_mse / y_test.var().item())
