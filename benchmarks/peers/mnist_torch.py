"""PyTorch's own example for MNIST (pytorch/examples, mnist/main.py), until 99 % are right: `mnist_torch.py IMAGES`."""

import json
import sys

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPOCHS, BATCH_SIZE, RATE, DECAY, WANTED = 14, 64, 1.0, 0.7, 0.99


class Net(nn.Module):
    """Two convolutions, a maximum, two layers, dropout between."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)
        self.dropout1, self.dropout2 = nn.Dropout(0.25), nn.Dropout(0.5)
        self.fc1, self.fc2 = nn.Linear(9216, 128), nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logarithms of the probabilities."""
        x = F.max_pool2d(F.relu(self.conv2(F.relu(self.conv1(x)))), 2)
        x = self.dropout2(F.relu(self.fc1(torch.flatten(self.dropout1(x), 1))))
        return F.log_softmax(self.fc2(x), dim=1)


def main() -> None:
    """Train and print how it ended as JSON."""
    torch.manual_seed(1)
    images = {name: torch.from_numpy(array) for name, array in np.load(sys.argv[1]).items()}
    x_train, x_test = (
        ((images[name].float() / 255 - 0.1307) / 0.3081)[:, None] for name in ("train_images", "test_images")
    )
    rows = torch.utils.data.TensorDataset(x_train, images["train_labels"])
    loader = torch.utils.data.DataLoader(rows, batch_size=BATCH_SIZE, shuffle=True)
    model = Net()
    optimizer = torch.optim.Adadelta(model.parameters(), lr=RATE)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=DECAY)
    accuracy, epoch = 0.0, 0
    while accuracy < WANTED and epoch < EPOCHS:
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            F.nll_loss(model(x), y).backward()
            optimizer.step()
        scheduler.step()
        epoch += 1
        model.eval()
        with torch.no_grad():
            right = sum(
                int((model(x).argmax(1) == y).sum())
                for x, y in zip(x_test.split(1000), images["test_labels"].split(1000), strict=True)
            )
        accuracy = right / len(x_test)
    print(json.dumps({"accuracy": accuracy, "epochs": epoch}))


main()
