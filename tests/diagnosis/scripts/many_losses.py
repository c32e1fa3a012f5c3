"""Every loss of torch, on the training's side and the other; losses in lists; unreduced; weighted."""

import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
net = nn.Linear(6, 4)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
x, y, z = torch.randn(12, 6), torch.randint(0, 4, (12,)), torch.rand(12, 4)
signs = torch.randint(0, 2, (12, 4)) * 2.0 - 1
losses = [
    lambda out: F.cross_entropy(out, y, weight=torch.ones(4), label_smoothing=0.1),
    lambda out: F.cross_entropy(out, z.softmax(1)),
    lambda out: F.cross_entropy(out, torch.where(y > 2, -100, y)),
    lambda out: F.nll_loss(F.log_softmax(out, 1), y, reduction="none").mean(),
    lambda out: F.binary_cross_entropy(out.sigmoid(), z),
    lambda out: F.binary_cross_entropy_with_logits(out, z, pos_weight=torch.full((4,), 2.0)),
    lambda out: F.mse_loss(input=out, target=z),
    lambda out: F.l1_loss(z, out),
    lambda out: F.smooth_l1_loss(out, z) + F.huber_loss(out, z, delta=0.5),
    lambda out: F.kl_div(out.log_softmax(1), z.softmax(1), reduction="batchmean"),
    lambda out: F.poisson_nll_loss(out, z) + F.gaussian_nll_loss(out, z, torch.ones(12, 4)),
    lambda out: F.hinge_embedding_loss(out, signs) + F.soft_margin_loss(out, signs),
    lambda out: F.multilabel_soft_margin_loss(out, z.round()) + F.multi_margin_loss(out, y),
    lambda out: F.triplet_margin_loss(out, z, z + 1) + F.cosine_embedding_loss(out, z, signs[:, 0]),
    lambda out: (
        ((out - z).abs() ** 3).mean() + (z - out).mean() + (1 - out).square().mean() + out.sub(z, alpha=2).mean()
    ),
    lambda out: F.ctc_loss(out.log_softmax(1)[:, None], y[None, :3] % 3 + 1, (12,), (3,)),
]
for _ in range(3):
    for loss_of in losses:
        optimizer.zero_grad()
        loss = loss_of(net(x))
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            print(loss.item(), loss_of(net(x)).item())
torch.autograd.backward([F.mse_loss(net(x), z), net(x)], [None, torch.ones(12, 4)])
tell(net)
