"""`python training.py NAME STEPS` trains one of five small networks on made-up data, as a plain script would."""

import sys

import torch
from torch import nn
from torch.nn import functional as F


def mlp(steps: int) -> None:
    """Steps as small as they come, where what is added to each shows most."""
    network = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 5))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    x_NF = torch.randn(4096, 20)
    y_N = (x_NF @ torch.randn(20, 5)).argmax(1)
    for step in range(steps):
        rows = torch.arange(32) + 32 * step % 4096
        optimizer.zero_grad()
        F.cross_entropy(network(x_NF[rows]), y_N[rows]).backward()
        optimizer.step()
        if step % 500 == 499:
            with torch.no_grad():
                print(step, (network(x_NF).argmax(1) == y_N).float().mean().item())


def cnn(steps: int) -> None:
    """Images, batch norm, a data loader, Adam and a schedule."""
    network = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(32 * 49, 10),
    )  # fmt: skip
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 100, 0.9)
    data = torch.utils.data.TensorDataset(torch.randn(2048, 1, 28, 28), torch.randint(0, 10, (2048,)))
    loader = torch.utils.data.DataLoader(data, batch_size=64, shuffle=True)
    done = 0
    while done < steps:
        for x_BCHW, y_B in loader:
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(network(x_BCHW), y_B).backward()
            optimizer.step()
            schedule.step()
            done += 1
            if done >= steps:
                return


def lstm(steps: int) -> None:
    """A recurrent layer over 40 steps, its gradients clipped, its loss a mean square."""
    network, head = nn.LSTM(8, 64, batch_first=True), nn.Linear(64, 1)
    parameters = [*network.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    for _ in range(steps):
        x_BTC = torch.randn(32, 40, 8)
        optimizer.zero_grad()
        states_BTH, _ = network(x_BTC)
        F.mse_loss(head(states_BTH[:, -1]), x_BTC[:, :, :1].mean(1)).backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()


def transformer(steps: int) -> None:
    """Two encoder layers on tokens, evaluated every 50 steps."""
    table, head = nn.Embedding(100, 64), nn.Linear(64, 4)
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(64, 4, 128, batch_first=True), 2)
    network = nn.Sequential(table, encoder, head)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    for step in range(steps):
        tokens_BT = torch.randint(0, 100, (16, 24))
        targets_B = tokens_BT[:, 0] % 4
        network.train()
        optimizer.zero_grad()
        F.cross_entropy(network(tokens_BT)[:, 0], targets_B).backward()
        optimizer.step()
        if step % 50 == 49:
            network.eval()
            with torch.no_grad():
                print(step, (network(tokens_BT)[:, 0].argmax(1) == targets_B).float().mean().item())


def gan(steps: int) -> None:
    """A generator and a discriminator in turns, three backward passes and two optimisers a step."""
    maker = nn.Sequential(
        nn.Linear(16, 128), nn.LeakyReLU(0.2), nn.Linear(128, 128), nn.LeakyReLU(0.2), nn.Linear(128, 64)
    )
    judge = nn.Sequential(
        nn.Linear(64, 128), nn.LeakyReLU(0.2), nn.Linear(128, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1)
    )
    optimizers = [torch.optim.Adam(each.parameters(), 2e-4, betas=(0.5, 0.999)) for each in (maker, judge)]
    criterion = nn.BCEWithLogitsLoss()
    ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)
    for _ in range(steps):
        made_BF = maker(torch.randn(64, 16))
        optimizers[1].zero_grad()
        criterion(judge(torch.randn(64, 64) + 1), ones).backward()
        criterion(judge(made_BF.detach()), zeros).backward()
        optimizers[1].step()
        optimizers[0].zero_grad()
        criterion(judge(made_BF), ones).backward()
        optimizers[0].step()


if __name__ == "__main__":
    torch.manual_seed(0)
    {"mlp": mlp, "cnn": cnn, "lstm": lstm, "transformer": transformer, "gan": gan}[sys.argv[1]](int(sys.argv[2]))
