import os
import torch
import torch.nn as nn
from sklearn.datasets import make_blobs
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)

X, y = make_blobs(n_samples=1600, centers=12, n_features=6, cluster_std=1.6, random_state=9)
y = y % 3
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=seed)
scaler = StandardScaler()
X_train = torch.from_numpy(scaler.fit_transform(X_train)).float()
X_test = torch.from_numpy(scaler.transform(X_test)).float()
y_train, y_test = torch.from_numpy(y_train), torch.from_numpy(y_test)


class Net(nn.Module):
    def __init__(self, n_hidden=40):
        super().__init__()
        self.fc1 = nn.Linear(6, n_hidden)
        self.fc2 = nn.Linear(n_hidden, n_hidden)
        self.fc3 = nn.Linear(n_hidden, 3)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.relu(self.fc1(x))
        x = self.relu(self.fc2(x))
        x = self.fc3(x)
        return x


net = Net()
criterion = nn.CrossEntropyLoss()
LEARNING_RATE = 0.02
optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=0.9, weight_decay=1e-4)
batch_size = 30

for epoch in range(15):
    permutation = torch.randperm(X_train.size(0))
    epoch_loss = 0.0
    for i in range(0, X_train.size(0), batch_size):
        indices = permutation[i:i + batch_size]
        batch_x, batch_y = X_train[indices], y_train[indices]
        optimizer.zero_grad()
        outputs = net(batch_x)
        loss = criterion(outputs, batch_y)
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * len(indices)
    with torch.no_grad():
        test_out = net(X_test)
        test_loss = criterion(test_out, y_test)
        _, predicted = torch.max(test_out, 1)
        accuracy = (predicted == y_test).sum().item() / y_test.size(0)
    print("Epoch: %d, loss: %.4f, test loss: %.4f, accuracy: %.4f"
          % (epoch, epoch_loss / len(X_train), test_loss, accuracy))

print("METRIC", accuracy)
