"""The exhibit as a program of its own: the same patterns stored, the same cue recalled, with PyTorch alone."""

from collections.abc import Sequence

from pellucid.studio.exhibits.hopfield.asked import HopfieldSettings

_STORED = {
    "hebbian": "W = X.T @ X / N  # Hebb's rule",
    "pseudo-inverse": "W = torch.linalg.pinv(X) @ X  # the projection on the patterns",
}
_ALONE = """while True:
    before = state.clone()
    for unit in torch.randperm(N):
        field = W[unit] @ state
        if field.abs() > 1e-5:
            state[unit] = field.sign()
        elif state[unit] == 0:
            state[unit] = 1.0
    if torch.equal(state, before):
        break"""
_TOGETHER = """for _ in range(100):
    before, field = state, W @ state
    kept = torch.where(state == 0, torch.ones(N), state)
    state = torch.where(field.abs() > 1e-5, field.sign(), kept)
    if torch.equal(state, before):
        break"""


def program(settings: HopfieldSettings, patterns: Sequence[Sequence[int]], cue: Sequence[int]) -> str:
    """Return a program that prints the overlap of what it recalls with each pattern.

    Args:
        settings: how patterns are stored and units updated.
        patterns: P rows of N signs.
        cue: N signs, 0 where nothing is known.
    """
    rows = ",\n".join(f"    {list(row)}" for row in patterns)
    head = f"import torch\n\nX = torch.tensor([\n{rows},\n]).float()  # patterns, units\nN = X.shape[1]\n"
    begun = f"state = torch.tensor({list(cue)}).float()\n"
    if settings.memory == "modern":
        update = f"for _ in range(20):\n    state = torch.softmax({settings.beta:g} * X @ state, 0) @ X"
        ended = "overlaps = torch.nn.functional.cosine_similarity(X, state[None])\nprint(overlaps)\n"
        return f"{head}\n{begun}{update}\n\n{ended}"
    loop = _ALONE if settings.update == "asynchronous" else _TOGETHER
    stored = f"{_STORED[settings.memory]}\nW.fill_diagonal_(0)\n"
    ended = "energy = -state @ W @ state / 2\noverlaps = X @ state / N\nprint(energy, overlaps)\n"
    return f"{head}{stored}\ntorch.manual_seed({settings.seed})\n{begun}{loop}\n\n{ended}"
