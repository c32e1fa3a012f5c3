"""Evaluation of an encoder with a padding mask, where torch takes its fast path."""

import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
net = nn.TransformerEncoder(layer, 2)
head = nn.Linear(16, 3)
optimizer = torch.optim.Adam([*net.parameters(), *head.parameters()], lr=1e-3)
x, y = torch.randn(12, 7, 16), torch.randint(0, 3, (12,))
mask = torch.arange(7)[None] >= torch.randint(3, 8, (12, 1))
for _ in range(6):
    net.train()
    optimizer.zero_grad()
    F.cross_entropy(head(net(x, src_key_padding_mask=mask)[:, 0]), y).backward()
    optimizer.step()
    net.eval()
    with torch.no_grad():
        out = net(x, src_key_padding_mask=mask)
        print(out.shape, out.sum().item(), (head(out[:, 0]).argmax(-1) == y).sum().item())
with torch.inference_mode():
    tell(net(x, src_key_padding_mask=mask), net, head)
