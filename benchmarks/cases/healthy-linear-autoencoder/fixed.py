import os
import torch
from torch import nn
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)

data = torch.tensor(load_digits().data, dtype=torch.float32) / 16
data = data[torch.randperm(len(data))]
data = data - data[:1400].mean(0)
train, test = data[:1400], data[1400:]

CODE = 8
model = nn.Sequential(nn.Linear(64, CODE, bias=False), nn.Linear(CODE, 64, bias=False))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=15, gamma=0.3)
for epoch in range(40):
    for batch in train[torch.randperm(len(train))].split(50):
        loss = ((model(batch) - batch) ** 2).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    if epoch % 5 == 4:
        with torch.no_grad():
            print(epoch + 1, "train", ((model(train) - train) ** 2).sum(1).mean().item())

pca = PCA(CODE).fit(train.numpy())
restored = pca.inverse_transform(pca.transform(test.numpy()))
with torch.no_grad():
    ours = 1 - ((model(test) - test) ** 2).sum() / (test ** 2).sum()
theirs = 1 - ((torch.tensor(restored) - test) ** 2).sum() / (test ** 2).sum()
print("explained", ours.item(), "by PCA", theirs.item())
print("METRIC", (ours / theirs).item())
