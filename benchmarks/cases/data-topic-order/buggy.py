import os
import numpy as np
import torch
import torch.nn as nn

seed = int(os.environ.get("SEED", 0))
rng = np.random.default_rng(seed)
torch.manual_seed(seed)

VOCAB, TOPICS, LENGTH = 300, 6, 20
PAD = 0


def posts(per_topic):
    words = np.random.default_rng(21).dirichlet(np.full(VOCAB - 1, 0.15), size=TOPICS)
    texts, topics = [], []
    for topic in range(TOPICS):
        for _ in range(per_topic):
            size = rng.integers(8, LENGTH + 1)
            text = rng.choice(VOCAB - 1, size=size, p=0.6 * words[topic] + 0.4 / (VOCAB - 1)) + 1
            texts.append(np.pad(text, (0, LENGTH - size), constant_values=PAD))
            topics.append(topic)
    return torch.tensor(np.array(texts)), torch.tensor(topics)


train_texts, train_topics = posts(700)
test_texts, test_topics = posts(80)


class PostClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, 20, padding_idx=PAD)
        self.hidden = nn.Linear(20, 32)
        self.out = nn.Linear(32, TOPICS)

    def forward(self, text):
        mask = (text != PAD).float().unsqueeze(-1)
        mean = (self.embed(text) * mask).sum(1) / mask.sum(1)
        return self.out(torch.tanh(self.hidden(mean)))


def batches(texts, topics, size=36):
    for start in range(0, len(texts), size):
        yield texts[start:start + size], topics[start:start + size]


model = PostClassifier()
optimizer = torch.optim.Adam(model.parameters(), lr=8e-3, weight_decay=1e-5)
criterion = nn.CrossEntropyLoss()
for epoch in range(3):
    losses = []
    for text, topic in batches(train_texts, train_topics):
        loss = criterion(model(text), topic)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        scores = model(test_texts)
    acc = (scores.argmax(1) == test_topics).float().mean().item()
    print(f"epoch {epoch} loss {np.mean(losses):.3f} test {criterion(scores, test_topics).item():.3f} acc {acc:.3f}")
print("METRIC", acc)
