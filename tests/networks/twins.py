"""Networks written by hand in plain torch, with the names and in the order torchvision's published weights have."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class AlexNet(nn.Module):
    """The layout of torchvision.models.alexnet."""

    def __init__(self, channels: int = 3, classes: int = 1000) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(channels, 64, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2)),
        )
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            *(nn.Dropout(), nn.Linear(256 * 6 * 6, 4096), nn.ReLU()),
            *(nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, classes)),
        )

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.avgpool(self.features(x)).flatten(1))
        return logits


class Vgg(nn.Module):
    """The layout of torchvision.models.vgg11 to vgg19, from its line of maps and M for a pooling."""

    def __init__(self, line: str, batchnorm: bool = False, places: int = 7, classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for sign in line.split():
            if sign == "M":
                layers.append(nn.MaxPool2d(2, 2))
                continue
            layers.append(nn.Conv2d(channels, int(sign), 3, padding=1))
            channels = int(sign)
            layers += [nn.BatchNorm2d(channels), nn.ReLU()] if batchnorm else [nn.ReLU()]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            *(nn.Linear(512 * places * places, 4096), nn.ReLU(), nn.Dropout()),
            *(nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, classes)),
        )

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(x).flatten(1))
        return logits


VGG_LINES = {
    11: "64 M 128 M 256 256 M 512 512 M 512 512 M",
    13: "64 64 M 128 128 M 256 256 M 512 512 M 512 512 M",
    16: "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
    19: "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
}


class Basic(nn.Module):
    """torchvision's BasicBlock."""

    expansion = 1

    def __init__(self, channels: int, maps: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, maps, 3, stride, 1, bias=False), nn.BatchNorm2d(maps)
        self.conv2, self.bn2 = nn.Conv2d(maps, maps, 3, 1, 1, bias=False), nn.BatchNorm2d(maps)
        self.downsample = projection(channels, maps, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """torchvision's Bottleneck, whose stride is that of the 3x3."""

    expansion = 4

    def __init__(self, channels: int, maps: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, maps, 1, bias=False), nn.BatchNorm2d(maps)
        self.conv2, self.bn2 = nn.Conv2d(maps, maps, 3, stride, 1, bias=False), nn.BatchNorm2d(maps)
        self.conv3, self.bn3 = nn.Conv2d(maps, 4 * maps, 1, bias=False), nn.BatchNorm2d(4 * maps)
        self.downsample = projection(channels, 4 * maps, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.relu(self.bn3(self.conv3(y)) + (x if self.downsample is None else self.downsample(x)))


def projection(channels: int, maps: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and channels == maps:
        return None
    return nn.Sequential(nn.Conv2d(channels, maps, 1, stride, bias=False), nn.BatchNorm2d(maps))


class ResNet(nn.Module):
    """The layout of torchvision.models.resnet18 to resnet152."""

    def __init__(self, block: type[Basic] | type[Bottleneck], counts: tuple[int, ...], classes: int = 1000) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        channels = 64
        for number, (count, maps) in enumerate(zip(counts, (64, 128, 256, 512), strict=True), start=1):
            blocks = []
            for place in range(count):
                blocks.append(block(channels, maps, 2 if number > 1 and place == 0 else 1))
                channels = block.expansion * maps
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for number in range(1, 5):
            x = self.get_submodule(f"layer{number}")(x)
        logits: Tensor = self.fc(x.mean((2, 3)))
        return logits


class CifarResNet(nn.Module):
    """He et al., section 4.2: 6n + 2 layers, shortcuts of option A (every second pixel, zeros for the new maps)."""

    def __init__(self, depth: int, width: int = 16, residual: bool = True) -> None:
        super().__init__()
        self.residual = residual
        self.conv1, self.bn1 = nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        sizes = [width] + [width * 2**stage for stage in range(3) for _ in range((depth - 2) // 6)]
        self.blocks = nn.ModuleList()
        for before, after in pairwise(sizes):
            block = Basic(before, after, 1 if before == after else 2)
            block.downsample = None
            self.blocks.append(block)
        self.fc = nn.Linear(4 * width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        for block in self.blocks:
            assert isinstance(block, Basic)
            y = block.bn2(block.conv2(F.relu(block.bn1(block.conv1(x)))))
            if self.residual:
                if y.shape != x.shape:
                    x = x[:, :, ::2, ::2]
                    x = torch.cat([x, x.new_zeros(x.shape[0], y.shape[1] - x.shape[1], *x.shape[2:])], 1)
                y = y + x
            x = F.relu(y)
        logits: Tensor = self.fc(x.mean((2, 3)))
        return logits
