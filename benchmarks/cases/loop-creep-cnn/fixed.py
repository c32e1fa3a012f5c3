import argparse
import os

import torch
from torch import nn

parser = argparse.ArgumentParser(description="direction of stripes")
parser.add_argument("--learning-rate", type=float, default=5e-2)
parser.add_argument("--momentum", type=float, default=0.9)
parser.add_argument("--epochs", type=int, default=10)


def stripes(n):
    kind = torch.randint(0, 4, (n,))
    angle = kind * torch.pi / 4
    r, c = torch.meshgrid(torch.arange(12.0), torch.arange(12.0), indexing="ij")
    along = r * torch.cos(angle)[:, None, None] + c * torch.sin(angle)[:, None, None]
    image = torch.sin(1.6 * along + 6.28 * torch.rand(n, 1, 1)) + 0.9 * torch.randn(n, 12, 12)
    return image.unsqueeze(1), kind


def main():
    args = parser.parse_args()
    torch.manual_seed(int(os.environ.get("SEED", 0)))
    train_x, train_y = stripes(1500)
    test_x, test_y = stripes(400)

    model = nn.Sequential(
        nn.Conv2d(1, 10, 5, stride=2), nn.ReLU(),
        nn.Conv2d(10, 20, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(20, 4),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=args.learning_rate, momentum=args.momentum)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(train_x)).split(25):
            loss = loss_fn(model(train_x[idx]), train_y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        model.eval()
        with torch.no_grad():
            out = model(test_x)
        accuracy = (out.argmax(1) == test_y).float().mean().item()
        print(f"epoch {epoch}: train {total / len(train_x):.4f} test {loss_fn(out, test_y):.4f} {accuracy:.3f}")
    print("METRIC", accuracy)


if __name__ == "__main__":
    main()
