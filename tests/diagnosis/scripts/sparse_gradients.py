"""Embeddings with sparse gradients, and sparse inputs."""

import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
table, head = nn.Embedding(50, 8, sparse=True), nn.Linear(8, 2)
bag = nn.EmbeddingBag(50, 8, sparse=True, mode="sum")
sparse = torch.optim.SparseAdam([*table.parameters(), *bag.parameters()], lr=0.05)
dense = torch.optim.SGD(head.parameters(), lr=0.1)
weight = torch.randn(10, 2, requires_grad=True)
for _ in range(10):
    tokens = torch.randint(0, 50, (16, 5))
    sparse.zero_grad()
    dense.zero_grad()
    F.cross_entropy(head(table(tokens).mean(1) + bag(tokens)), (tokens[:, 0] > 25).long()).backward()
    sparse.step()
    dense.step()
net = nn.Linear(10, 2)
optimizer = torch.optim.SGD([*net.parameters(), weight], lr=0.1)
x = torch.eye(10).to_sparse()
for _ in range(4):
    optimizer.zero_grad()
    out = torch.sparse.mm(x, weight) + net(x.to_dense())
    F.mse_loss(out, torch.ones(10, 2)).backward()
    optimizer.step()
tell(table, bag, head, net, weight)
