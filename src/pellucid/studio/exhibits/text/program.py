"""The training and what follows as a program that needs PyTorch alone."""

import textwrap

from pellucid.data import Dataset
from pellucid.data.texts.text import TextPreprocessing
from pellucid.networks import Plan, to_source
from pellucid.studio.exhibits.text.learner import BATCH
from pellucid.studio.exhibits.text.settings import TextSettings

STEPS = 600
_MOST = 60_000  # characters of the text that are written out

_PROGRAM = """import torch
{network}

# each character by its place; the first stands for any that the text has not
CHARACTERS = {characters}
STEPS, BATCH, WINDOW = {steps}, {batch}, {window}


def numbered(text: str) -> Tensor:
    return torch.tensor([CHARACTERS.index(each) if each in CHARACTERS else 0 for each in text])


def read(network: Network, tokens: Tensor, state: object = None) -> tuple[Tensor, object]:
    \"\"\"Return the logits of what comes next at each place, and the state with which to read on.\"\"\"
    outputs, state = network.{kind}1.layer(network.embed1(tokens), state)
    return network.fc1(outputs), state


def apart(state: object) -> object:
    \"\"\"Return the state without its past, so that the gradient stops at the window's beginning.\"\"\"
    return tuple(each.detach() for each in state) if isinstance(state, tuple) else state.detach()


def train(network: Network, text: str) -> None:
    \"\"\"Read the text in BATCH strands side by side, window by window, and carry the state on.\"\"\"
    tokens = numbered(text)
    strands = tokens[: len(tokens) // BATCH * BATCH].reshape(BATCH, -1)
    optimizer = torch.optim.Adam(network.parameters(), lr={learning_rate})
    at, state = 0, None
    for step in range(1, STEPS + 1):
        if at + 1 >= strands.shape[1]:
            at, state = 0, None
        piece = strands[:, at : at + WINDOW + 1]
        logits, state = read(network, piece[:, :-1], state)
        state = apart(state)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), piece[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        at += WINDOW
        if step % 100 == 0:
            print(f"step {{step}}: loss {{loss.item():.4f}} nats per character")


@torch.no_grad()
def go_on(network: Network, prompt: str, length: int, temperature: float) -> str:
    \"\"\"Return the prompt and `length` characters more, each drawn from softmax(logits / temperature).\"\"\"
    logits, state = read(network, numbered(prompt)[None])
    for _ in range(length):
        last = logits[0, -1]
        drawn = torch.multinomial((last / temperature).softmax(-1), 1) if temperature else last.argmax(-1, keepdim=True)
        prompt += CHARACTERS[int(drawn)]
        logits, state = read(network, drawn[None], state)
    return prompt


{told}
TEXT = (
{text}
)

if __name__ == "__main__":
    torch.manual_seed({seed})
    network = Network()
    train(network, TEXT)
    print(go_on(network, {prompt!r}, length={length}, temperature={temperature}))
"""


def program(plan: Plan, settings: TextSettings, data: Dataset) -> str:
    """Return a program that trains the network shown on the text's training part and goes on with the prompt.

    Its first weights and its draws are its own.
    """
    assert isinstance(data.preprocessing, TextPreprocessing), "a text was loaded"
    text = data.preprocessing.decode(data.inputs[data.rows["train"]].flatten())
    told = f"# the first {_MOST:,} of the text's {len(text):,} training characters" if len(text) > _MOST else ""
    lines = textwrap.wrap(text[:_MOST], 100, drop_whitespace=False, replace_whitespace=False, expand_tabs=False)
    return _PROGRAM.format(
        network=to_source(plan),
        characters=list(data.preprocessing.vocabulary.tokens),
        steps=STEPS,
        batch=BATCH,
        window=settings.window,
        kind=settings.shown,
        learning_rate=settings.learning_rate,
        told=told,
        text="\n".join(f"    {line!r}" for line in lines),
        seed=settings.seed,
        prompt=settings.prompt,
        length=settings.length,
        temperature=settings.temperature,
    )
