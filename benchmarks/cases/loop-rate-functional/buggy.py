import os
import math
import torch

torch.manual_seed(int(os.environ.get("SEED", 0)))

x = torch.rand(1400, 2) * 4 - 2
y = torch.sin(1.2 * x[:, :1]) * x[:, 1:] + 0.05 * torch.randn(1400, 1)
x_train, y_train, x_test, y_test = x[:1100], y[:1100], x[1100:], y[1100:]


def init(fan_in, fan_out):
    w = torch.randn(fan_in, fan_out) * math.sqrt(2.0 / fan_in)
    b = torch.zeros(fan_out)
    return w.requires_grad_(), b.requires_grad_()


params = [*init(2, 48), *init(48, 48), *init(48, 1)]


def predict(inputs):
    w1, b1, w2, b2, w3, b3 = params
    hidden = (inputs @ w1 + b1).relu()
    hidden = (hidden @ w2 + b2).relu()
    return hidden @ w3 + b3


step_size = 0.8
for epoch in range(45):
    for rows in torch.randperm(len(x_train)).split(22):
        error = predict(x_train[rows]) - y_train[rows]
        loss = (error ** 2).mean()
        loss.backward()
        with torch.no_grad():
            for p in params:
                p -= step_size * (1 - epoch / 45) * p.grad
                p.grad = None
    if epoch % 5 == 4:
        with torch.no_grad():
            test_error = predict(x_test) - y_test
        print(f"epoch {epoch + 1} loss {loss.item():.5f} test {test_error.pow(2).mean().item():.5f}")

print("METRIC", (test_error.abs() < 0.25).float().mean().item())
