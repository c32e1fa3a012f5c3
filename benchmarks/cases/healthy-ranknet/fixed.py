import os
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(int(os.environ.get("SEED", 0)))
QUERIES, DOCS = 400, 12
documents = torch.randn(QUERIES, DOCS, 8)
offset = 2 * torch.randn(QUERIES, 1)  # a query that is easy or hard: only the order within it counts
merit = documents[..., 0] - 0.8 * documents[..., 1].abs() + documents[..., 2] * documents[..., 3]
grade = ((merit + 0.3 * torch.randn(QUERIES, DOCS)) * 1.2 + offset).round()

scorer = nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, 1))
optimizer = torch.optim.Adam(scorer.parameters(), lr=3e-3, weight_decay=1e-4)


def ranknet(score, grade):
    difference = score.unsqueeze(2) - score.unsqueeze(1)
    better = grade.unsqueeze(2) > grade.unsqueeze(1)
    return F.softplus(-difference)[better].mean(), (difference[better] > 0).float().mean().item()


train, test = torch.arange(320), torch.arange(320, 400)
for epoch in range(20):
    for q in train[torch.randperm(320)].split(8):
        loss, _ = ranknet(scorer(documents[q]).squeeze(-1), grade[q])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch == 13:
        optimizer.param_groups[0]["lr"] = 5e-4
    with torch.no_grad():
        test_loss, order = ranknet(scorer(documents[test]).squeeze(-1), grade[test])
    if epoch % 3 == 1:
        print(f"epoch {epoch} loss {loss.item():.4f} test {test_loss.item():.4f} ordered {order:.4f}")
print("METRIC", order)
