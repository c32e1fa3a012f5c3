import os
import torch
from torch import nn

torch.manual_seed(int(os.environ.get("SEED", 0)))
VOCAB, LENGTH, PAIRS = 12, 12, 4


def brackets(n):
    """Sequences whose class is how many times token 1 is followed by token 2."""
    y = torch.randint(0, PAIRS, (n,))
    x = torch.randint(3, VOCAB, (n, LENGTH))
    for row in range(n):
        slots = torch.randperm(LENGTH // 2)[:4].tolist()
        for k, slot in enumerate(slots):
            first, second = (1, 2) if k < y[row] else (2, 1)
            x[row, 2 * slot], x[row, 2 * slot + 1] = first, second
    return x, y


class Encoder(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, 12)
        self.rnn = nn.GRU(12, dim, batch_first=True)

    def forward(self, x):
        out, _ = self.rnn(self.embedding(x))
        return out[:, -1]


encoder = Encoder()
head = nn.Linear(24, PAIRS)
parameters = [*encoder.parameters(), *head.parameters()]
optimizer = torch.optim.Adam(parameters, lr=6e-3)
x_train, y_train = brackets(1500)
x_test, y_test = brackets(400)


def logits_of(x):
    code = encoder(x)
    return head(code)


for epoch in range(20):
    encoder.train()
    losses = []
    for idx in torch.randperm(len(x_train)).split(50):
        loss = nn.functional.cross_entropy(logits_of(x_train[idx]), y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        losses.append(loss.item())
    encoder.eval()
    with torch.no_grad():
        scores = logits_of(x_test)
        test_loss = nn.functional.cross_entropy(scores, y_test).item()
    acc = (scores.argmax(1) == y_test).float().mean().item()
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1:2d} loss {sum(losses) / len(losses):.4f} test {test_loss:.4f} accuracy {acc:.4f}")
print("METRIC", acc)
