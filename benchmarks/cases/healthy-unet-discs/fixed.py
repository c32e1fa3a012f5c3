import os
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(int(os.environ.get("SEED", 0)))
SIZE = 24


def scenes(n):
    yy, xx = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    masks = torch.zeros(n, SIZE, SIZE, dtype=torch.bool)
    for _ in range(2):
        cy, cx = 4 + 16 * torch.rand(2, n, 1, 1)
        masks |= (yy - cy) ** 2 + (xx - cx) ** 2 < (2 + 3 * torch.rand(n, 1, 1)) ** 2
    shade = 0.5 * torch.randn(n, 1, 1) + 0.04 * torch.randn(n, 1, 1) * xx
    images = shade + masks.float() * 1.3 + 0.35 * torch.randn(n, SIZE, SIZE)
    return images.unsqueeze(1), masks.float().unsqueeze(1)


def double_conv(a, b):
    return nn.Sequential(nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True),
                         nn.Conv2d(b, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True))


class UNet(nn.Module):
    def __init__(self, c=8):
        super().__init__()
        self.down1, self.down2, self.bottom = double_conv(1, c), double_conv(c, 2 * c), double_conv(2 * c, 2 * c)
        self.up2 = nn.ConvTranspose2d(2 * c, 2 * c, 2, stride=2)
        self.conv2 = double_conv(4 * c, c)
        self.up1 = nn.ConvTranspose2d(c, c, 2, stride=2)
        self.conv1 = double_conv(2 * c, c)
        self.out = nn.Conv2d(c, 1, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        x = self.bottom(F.max_pool2d(b, 2))
        x = self.conv2(torch.cat([self.up2(x), b], 1))
        x = self.conv1(torch.cat([self.up1(x), a], 1))
        return self.out(x)


def dice_loss(logits, target):
    p = torch.sigmoid(logits)
    overlap = 2 * (p * target).sum((1, 2, 3)) + 1
    return (1 - overlap / (p.sum((1, 2, 3)) + target.sum((1, 2, 3)) + 1)).mean()


images, masks = scenes(480)
test_images, test_masks = scenes(120)
net = UNet()
opt = torch.optim.Adam(net.parameters(), lr=4e-3)
for epoch in range(9):
    net.train()
    for idx in torch.randperm(len(images)).split(24):
        logits = net(images[idx])
        loss = F.binary_cross_entropy_with_logits(logits, masks[idx]) + dice_loss(logits, masks[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    for group in opt.param_groups:
        group["lr"] *= 0.7
    net.eval()
    with torch.no_grad():
        guess = net(test_images) > 0
    truth = test_masks > 0.5
    iou = (guess & truth).sum().item() / (guess | truth).sum().item()
    print(f"epoch {epoch + 1} loss {loss.item():.4f} iou {iou:.4f}")
print("METRIC", iou)
