import os
import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(int(os.environ.get("SEED", 0)))

SIZE, LIMIT = 5, 12
MOVES = torch.tensor([[0, 1], [0, -1], [1, 0], [-1, 0]])


class World:
    """Many walkers at a time on a small board; each wants to reach its own goal."""

    def __init__(self, n):
        self.place = torch.randint(0, SIZE, (n, 2))
        self.goal = torch.randint(0, SIZE, (n, 2))
        self.done = (self.place == self.goal).all(1)

    def observe(self):
        return torch.cat([self.place, self.goal - self.place], 1).float() / SIZE

    def step(self, action):
        moved = (self.place + MOVES[action]).clamp(0, SIZE - 1)
        self.place = torch.where(self.done[:, None], self.place, moved)
        alive = ~self.done
        self.done = (self.place == self.goal).all(1)
        return torch.where(alive, self.done.float() - 0.05, torch.zeros(len(alive))), alive


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 48), nn.Tanh())
        self.actor = nn.Linear(48, 4)
        self.critic = nn.Linear(48, 1)

    def forward(self, x):
        h = self.body(x)
        return self.actor(h), self.critic(h).squeeze(1)


def play(model, n, greedy=False):
    world, log_probs, values, rewards, masks, entropies = World(n), [], [], [], [], []
    for _ in range(LIMIT):
        logits, value = model(world.observe())
        policy = Categorical(logits=logits)
        action = logits.argmax(1) if greedy else policy.sample()
        reward, alive = world.step(action)
        log_probs.append(policy.log_prob(action))
        values.append(value)
        rewards.append(reward)
        masks.append(alive.float())
        entropies.append(policy.entropy())
    return [torch.stack(v) for v in (log_probs, values, rewards, masks, entropies)], world.done


model = ActorCritic()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for update in range(1, 201):
    (log_p, value, reward, mask, entropy), done = play(model, 64)
    returns = torch.zeros_like(reward)
    running = torch.zeros(64)
    for t in reversed(range(LIMIT)):
        running = reward[t] + 0.95 * running
        returns[t] = running
    advantage = (returns - value).detach()
    actor_loss = -(log_p * advantage * mask).sum() / mask.sum()
    critic_loss = ((returns - value) ** 2 * mask).sum() / mask.sum()
    loss = actor_loss + 0.5 * critic_loss - 0.01 * (entropy * mask).sum() / mask.sum()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 0.5)
    optimizer.step()
    if update % 40 == 0:
        print(f"update {update} loss {loss.item():.4f} return {returns[0].mean().item():.3f} arrived {done.float().mean().item():.2f}")

with torch.no_grad():
    _, done = play(model, 1000, greedy=True)
print("METRIC", done.float().mean().item())
