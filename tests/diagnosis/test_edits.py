"""Edits of scripts: each changes what it should in whatever way that is written, and nothing else."""

import ast
import difflib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.diagnosis.proof.prove import whole_edit
from pellucid.diagnosis.remedies import EditError, advise
from pellucid.diagnosis.remedies.anatomy import optimizer_at
from pellucid.diagnosis.remedies.cures import CURES
from pellucid.diagnosis.remedies.edit import Change, Edit, apply, combined
from pellucid.diagnosis.remedies.edits import data, initial, loop, losses, network, numbers, parameters, width
from pellucid.diagnosis.remedies.facts import FACTS, fact, spelled
from pellucid.diagnosis.remedies.source import Source
from pellucid.diagnosis.suspicion import Place, Suspicion
from pellucid.diagnosis.vocabulary import CAUSES
from tests.diagnosis.training_texts import DIGITS, IMPORTS, REGRESSION

Editor = Callable[[Source], Edit | None]


def edited(text: str, editor: Editor) -> str:
    """Return what an edit makes of a text; the text itself where there is none."""
    edit = editor(Source("train.py", text))
    return text if edit is None else apply(edit, text)


def added(text: str, editor: Editor) -> list[str]:
    """Return the lines that an edit adds or changes."""
    lines = difflib.ndiff(text.splitlines(), edited(text, editor).splitlines())
    return [line[2:].strip() for line in lines if line.startswith("+ ")]


TRAINER = """class T:
    def __init__(self, rate):
        self.r = rate

    def go(self):
        o = SGD(p, lr=self.r)


"""
LAYERS = """class N(nn.Module):
    def __init__(self):
        self.a = nn.Linear(2, 2)
        self.b = nn.Linear(2, 2)

"""
GUARDED = "    if len(ls):\n        ls.append(nn.ReLU())\n"
LOOP = """
optimizer = torch.optim.SGD(model.parameters(), lr={rate})
for epoch in range({epochs}):
    for xb, yb in loader:
        loss = F.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("o = torch.optim.SGD(m.parameters(), lr=0.5)", "o = torch.optim.SGD(m.parameters(), lr=0.05)"),
        ("o = SGD(m.parameters(), 0.5, momentum=0.9)", "o = SGD(m.parameters(), 0.05, momentum=0.9)"),
        ("RATE = 0.5\no = SGD(m.parameters(), lr=RATE)", "RATE = 0.05\no = SGD(m.parameters(), lr=RATE)"),
        ("a, r = 3, 0.5\no = SGD(m.parameters(), lr=r)", "a, r = 3, 0.05\no = SGD(m.parameters(), lr=r)"),
        ("c = {'lr': 0.5}\no = SGD(p, lr=c['lr'])", "c = {'lr': 0.05}\no = SGD(p, lr=c['lr'])"),
        ("c = dict(lr=0.5)\no = SGD(p, lr=c['lr'])", "c = dict(lr=0.05)\no = SGD(p, lr=c['lr'])"),
        (
            "a.add_argument('--lr', type=float, default=0.5)\no = SGD(p, lr=args.lr)",
            "a.add_argument('--lr', type=float, default=0.05)\no = SGD(p, lr=args.lr)",
        ),
        ("class C:\n    lr: float = 0.5\no = SGD(p, lr=C.lr)", "class C:\n    lr: float = 0.05\no = SGD(p, lr=C.lr)"),
        (
            "def fit(model, rate=0.5):\n    o = SGD(model.parameters(), lr=rate)",
            "def fit(model, rate=0.05):\n    o = SGD(model.parameters(), lr=rate)",
        ),
        (
            "def fit(model, rate):\n    o = SGD(model.parameters(), lr=rate)\nfit(net, 0.5)",
            "def fit(model, rate):\n    o = SGD(model.parameters(), lr=rate)\nfit(net, 0.05)",
        ),
        (
            TRAINER + "T(rate=0.5)",
            TRAINER + "T(rate=0.05)",
        ),
        ("for p in ps:\n    p.data -= 0.5 * p.grad", "for p in ps:\n    p.data -= 0.05 * p.grad"),
        ("lr = 0.5\nfor p in ps:\n    p.sub_(lr * p.grad)", "lr = 0.05\nfor p in ps:\n    p.sub_(lr * p.grad)"),
    ],
)
def test_the_rate_is_changed_where_it_is_written(before: str, after: str) -> None:
    assert edited(before, lambda source: numbers.rate(source, None, factor=0.1)) == after + "\n"


def test_a_rate_that_is_not_written_is_added() -> None:
    assert added("o = Adam(p)", lambda s: numbers.rate(s, None, value=0.004)) == ["o = Adam(p, lr=0.004)"]


def test_of_two_optimisers_the_one_at_the_line_is_changed() -> None:
    text = "g = Adam(a.parameters(), lr=1e-3)\nd = Adam(b.parameters(), lr=1e-3)\n"
    assert added(text, lambda s: numbers.rate(s, 2, factor=10)) == ["d = Adam(b.parameters(), lr=0.01)"]


def test_another_optimiser_keeps_parameters_and_weight_decay() -> None:
    text = "from torch import optim\no = optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)\n"
    wanted = ["o = optim.Adam(net.parameters(), lr=0.003, weight_decay=1e-4)"]
    assert added(text, lambda s: numbers.swap_optimizer(s, None, "Adam", 0.003)) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (LOOP.format(rate=0.1, epochs=5), "for epoch in range(20):"),
        ("E = 5\n" + LOOP.format(rate=0.1, epochs="E"), "E = 20"),
        (LOOP.format(rate=0.1, epochs="1, 5"), "for epoch in range(1, 20):"),
        (LOOP.format(rate=0.1, epochs=5).replace("range(5)", "tqdm(range(5))"), "for epoch in tqdm(range(20)):"),
    ],
)
def test_training_lasts_longer(text: str, wanted: str) -> None:
    assert added(text, lambda source: numbers.epochs(source, None, 4)) == [wanted]


@pytest.mark.parametrize(
    ("loader", "wanted"),
    [
        ("loader = DataLoader(d, batch_size=2)\n", "loader = DataLoader(d, batch_size=32)"),
        ("B = 2\nloader = DataLoader(d, B)\n", "B = 32"),
    ],
)
def test_the_size_of_batches_is_changed(loader: str, wanted: str) -> None:
    text = loader + LOOP.format(rate=0.1, epochs=5)
    assert added(text, lambda source: numbers.batch_size(source, None, 32)) == [wanted]


def test_gradients_are_cleared_before_backward() -> None:
    text = LOOP.format(rate=0.1, epochs=5).replace("        optimizer.zero_grad()\n", "")
    wanted = LOOP.format(rate=0.1, epochs=5)
    assert edited(text, lambda source: loop.clear_gradients(source, None)) == wanted


def test_clearing_between_backward_and_step_moves() -> None:
    good = LOOP.format(rate=0.1, epochs=5)
    bad = good.replace("        optimizer.zero_grad()\n", "").replace(
        "        optimizer.step()", "        optimizer.zero_grad()\n        optimizer.step()"
    )
    assert edited(bad, lambda source: loop.clear_gradients(source, None)) == good


@pytest.mark.parametrize(
    "bad",
    [
        LOOP.format(rate=0.1, epochs=5).replace("        optimizer.step()\n", ""),
        LOOP.format(rate=0.1, epochs=5).replace("        optimizer.step()\n", "    optimizer.step()\n"),
        LOOP.format(rate=0.1, epochs=5)
        .replace("        optimizer.step()\n", "")
        .replace("        loss.backward", "        optimizer.step()\n        loss.backward"),
    ],
    ids=["missing", "once an epoch", "before backward"],
)
def test_the_optimiser_steps_after_backward(bad: str) -> None:
    assert edited(bad, lambda source: loop.step_optimizer(source, None)) == LOOP.format(rate=0.1, epochs=5)


def test_a_scaled_loss_steps_through_its_scaler() -> None:
    text = "opt = SGD(p, lr=1)\nfor x in xs:\n    scaler.scale(loss).backward()\n"
    assert added(text, lambda s: loop.step_optimizer(s, None)) == ["scaler.step(opt)", "scaler.update()"]


def test_the_optimiser_of_a_pair_is_the_one_that_steps_next() -> None:
    text = (
        "g, d = object(), object()\nog = Adam(g.parameters())\nod = Adam(d.parameters())\nfor x in xs:\n"
        "    a.backward()\n    od.step()\n    b.backward()\n    og.step()\n"
    )
    assert added(text, lambda source: loop.clear_gradients(source, 7)) == ["og.zero_grad()"]


def test_a_schedule_moves_to_the_end_of_the_epoch() -> None:
    text = LOOP.format(rate=0.1, epochs=5) + "        scheduler.step()\n    print(epoch)\n"
    wanted = LOOP.format(rate=0.1, epochs=5) + "    scheduler.step()\n    print(epoch)\n"
    assert edited(text, lambda source: loop.schedule_by_epoch(source, None)) == wanted


def test_an_optimiser_is_made_once() -> None:
    line = "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
    good = LOOP.format(rate=0.1, epochs=5)
    bad = good.replace(line, "").replace("    for xb", f"    {line}    for xb")
    assert edited(bad, lambda source: loop.optimizer_once(source, None)) == good


def test_gradients_are_clipped_after_backward() -> None:
    wanted = ["nn.utils.clip_grad_norm_(model.parameters(), 1)"]
    assert added(IMPORTS + LOOP.format(rate=0.1, epochs=5), lambda s: loop.clip_gradients(s, None, 1.0)) == wanted


def test_a_network_is_measured_in_evaluation_mode_and_trained_in_training_mode() -> None:
    bad = DIGITS.replace("    model.train()\n", "").replace("    model.eval()\n", "")
    assert edited(bad, lambda source: loop.evaluate_in_mode(source, None)).strip() == DIGITS.strip()


def test_a_carried_state_is_reset_or_detached() -> None:
    text = "h = torch.zeros(1, 4, 8)\nfor x in xs:\n    out, h = rnn(x, h)\n    loss = out.sum()\n    loss.backward()\n"
    assert added(text, lambda source: loop.reset_state(source, None)) == ["h = torch.zeros(1, 4, 8)"]
    (line,) = added(text, lambda source: loop.detach_state(source, None))
    assert line.startswith("h = ")
    assert "detach()" in line


def test_a_state_that_is_set_back_is_kept() -> None:
    text = "for x in xs:\n    h = None\n    out, h = rnn(x, h)\n    out.sum().backward()\n"
    first, line = added(text, lambda source: loop.keep_state(source, None))
    assert first == "h = None"  # before the loop, where it was not known
    assert line.startswith("h = tuple(")
    assert line.endswith("h if h is None else h.detach()")
    assert len(added(f"h = None\n{text}", lambda source: loop.keep_state(source, None))) == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "m = nn.Sequential(nn.Linear(2, 4), nn.Linear(4, 1))",
            "m = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))",
        ),
        (
            "m = nn.Sequential(\n    nn.Linear(2, 4),\n    nn.Linear(4, 1),\n)",
            "m = nn.Sequential(\n    nn.Linear(2, 4),\n    nn.ReLU(),\n    nn.Linear(4, 1),\n)",
        ),
        (
            "ls = []\nfor i in range(3):\n    ls.append(nn.Linear(4, 4))\nm = nn.Sequential(*ls)",
            f"ls = []\nfor i in range(3):\n{GUARDED}    ls.append(nn.Linear(4, 4))\nm = nn.Sequential(*ls)",
        ),
        (
            LAYERS + "    def forward(self, x):\n        return self.b(self.a(x))",
            LAYERS + "    def forward(self, x):\n        return self.b(torch.relu(self.a(x)))",
        ),
        (
            LAYERS + "    def forward(self, x):\n        x = self.a(x)\n        x = self.b(x)\n        return x",
            LAYERS
            + "    def forward(self, x):\n        x = torch.relu(self.a(x))\n        x = self.b(x)\n        return x",
        ),
        (
            "m = nn.Sequential(nn.Linear(2, 4), nn.Identity(), nn.Linear(4, 1))",
            "m = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))",
        ),
    ],
)
def test_an_activation_is_put_between_layers(before: str, after: str) -> None:
    assert edited(IMPORTS + before, network.activation_between) == IMPORTS + after + "\n"


CLASS = """class N(nn.Module):
    def __init__(self):
        self.f = nn.Linear(4, 1)
{more}    def forward(self, x):
{body}
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("        return torch.relu(self.f(x))", "        return self.f(x)"),
        ("        return F.softmax(self.f(x), dim=1).squeeze(1)", "        return self.f(x).squeeze(1)"),
        ("        x = self.f(x)\n        return x.sigmoid()", "        x = self.f(x)\n        return x"),
        ("        x = torch.tanh(self.f(x))\n        return x", "        x = self.f(x)\n        return x"),
        ("        return torch.clamp(torch.relu(self.f(x)), 0, 1)", "        return torch.clamp(self.f(x), 0, 1)"),
        ("        return nn.Sigmoid()(self.f(x))", "        return self.f(x)"),
    ],
)
def test_the_output_activation_is_taken_away(before: str, after: str) -> None:
    text, wanted = (IMPORTS + CLASS.format(more="", body=body) for body in (before, after))
    assert edited(text, losses.without_output_activation) == wanted


def test_the_output_activation_of_a_sequence_is_taken_away_or_replaced() -> None:
    text = IMPORTS + "m = nn.Sequential(\n    nn.Linear(3, 1),\n    nn.Softmax(dim=1),\n)\n"
    assert "Softmax" not in edited(text, losses.without_output_activation)
    assert added(text, lambda source: losses.output_activation(source, "sigmoid")) == ["nn.Sigmoid(),"]


def test_a_hidden_activation_is_replaced_and_the_output_kept() -> None:
    text = IMPORTS + "m = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.Linear(4, 1), nn.Sigmoid())\n"
    wanted = ["m = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1), nn.Sigmoid())"]
    assert added(text, lambda source: network.hidden_activation(source, "relu")) == wanted


def test_an_activation_that_an_attribute_holds_is_replaced_there() -> None:
    more = "        self.act = nn.Softmax(dim=1)\n        self.g = nn.Linear(4, 4)\n"
    text = IMPORTS + CLASS.format(more=more, body="        return self.f(self.act(self.g(x)))")
    assert added(text, lambda source: network.hidden_activation(source, "relu")) == ["self.act = nn.ReLU()"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("m = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))", "nn.Linear(8, 5))"),
        ("K = 1\nm = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, K))", "K = 5"),
        (CLASS.format(more="", body="        return self.f(x)") + "m = N()", "self.f = nn.Linear(4, 5)"),
    ],
)
def test_the_output_gets_another_width(text: str, wanted: str) -> None:
    (line,) = added(IMPORTS + text, lambda source: width.output_width(source, 5))
    assert line.endswith(wanted)


def test_hidden_layers_get_wider_and_fit_each_other() -> None:
    text = IMPORTS + "m = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1))\n"
    wanted = "m = nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 1))"
    assert added(text, lambda source: width.wider(source, 8)) == [wanted]


@pytest.mark.parametrize(
    ("attribute", "wanted"),
    [
        (
            "self.ls = [nn.Linear(2, 2) for _ in range(3)]",
            "self.ls = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])",
        ),
        ("self.ls = {'a': nn.Linear(2, 2)}", "self.ls = nn.ModuleDict({'a': nn.Linear(2, 2)})"),
        ("self.w = torch.randn(3, 2, requires_grad=True)", "self.w = nn.Parameter(torch.randn(3, 2))"),
    ],
)
def test_parameters_are_registered(attribute: str, wanted: str) -> None:
    text = IMPORTS + CLASS.format(more=f"        {attribute}\n", body="        return self.f(x)")
    assert added(text, parameters.registered) == [wanted]


def test_a_list_that_holds_no_layers_stays() -> None:
    text = IMPORTS + CLASS.format(more="        self.sizes = [1, 2]\n", body="        return self.f(x)")
    assert edited(text, parameters.registered) == text


def test_the_optimiser_gets_the_networks_it_lacks() -> None:
    text = (
        IMPORTS
        + "a = nn.Sequential(nn.Linear(1, 1))\nb = nn.Sequential(nn.Linear(1, 1))\n"
        + "o = torch.optim.Adam(b.parameters())\n"
    )
    assert added(text, parameters.optimised) == ["o = torch.optim.Adam([*b.parameters(), *a.parameters()])"]


def test_nothing_cuts_the_gradient_in_a_network() -> None:
    text = IMPORTS + CLASS.format(more="", body="        h = self.f(x).detach()\n        return h.data")
    assert added(text, parameters.attached) == ["h = self.f(x)", "return h"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("c = nn.MSELoss()\nl = c(m(x), y)", "c = nn.BCELoss()\nl = c(m(x), y)"),
        ("l = F.l1_loss(m(x), y)", "l = F.binary_cross_entropy(m(x), y)"),
        ("c = nn.L1Loss(reduction='sum')\nl = c(m(x), y)", "c = nn.BCELoss(reduction='sum')\nl = c(m(x), y)"),
    ],
)
def test_another_loss_is_computed(before: str, after: str) -> None:
    found = edited(IMPORTS + before, lambda source: losses.swap_loss(source, None, "binary_cross_entropy"))
    assert found == IMPORTS + after + "\n"


def test_a_value_is_learned_as_a_class() -> None:
    text = IMPORTS + (
        "m = nn.Sequential(nn.Linear(4, 1))\nc = nn.MSELoss()\n"
        "loss = c(m(x).squeeze(1), y.float())\nguess = m(x).squeeze(1).round().long().clamp(0, 9)\n"
    )
    wanted = ["c = nn.CrossEntropyLoss()", "loss = c(m(x), y.long())", "guess = m(x).argmax(dim=1)"]
    assert added(text, lambda source: losses.classify(source, None, 10)) == wanted


def test_sigmoid_twice_keeps_what_the_threshold_means() -> None:
    text = IMPORTS + "m = nn.Sequential(nn.Linear(3, 1), nn.Sigmoid())\nc = nn.BCEWithLogitsLoss()\nl = c(m(x), y)\n"
    assert added(text + "p = m(x) > 0.5\n", lambda source: losses.matched_pair(source, None)) == ["c = nn.BCELoss()"]
    assert added(text, lambda source: losses.matched_pair(source, None)) == ["m = nn.Sequential(nn.Linear(3, 1))"]


def test_logarithms_and_divisors_stay_away_from_zero() -> None:
    text = IMPORTS + "a = torch.log(p)\nb = (1 - p).log()\nc = x / x.norm()\n"
    assert added(text, lambda source: losses.stable(source, 5)) == ["b = (1 - p).clamp(min=1e-8).log()"]
    assert added(text, lambda source: losses.stable(source, 4)) == ["a = torch.log(p.clamp(min=1e-8))"]
    assert added(text, lambda source: losses.stable(source, 6)) == ["c = x / (x.norm() + 1e-8)"]


@pytest.mark.parametrize(
    ("call", "wanted"), [("F.softmax(s, dim=0)", "F.softmax(s, dim=1)"), ("s.softmax(0)", "s.softmax(1)")]
)
def test_softmax_sums_over_classes(call: str, wanted: str) -> None:
    assert added(IMPORTS + f"p = {call}\n", lambda source: losses.softmax_axis(source, None)) == [f"p = {wanted}"]


def test_weights_that_are_all_alike_are_drawn_by_glorots_rule() -> None:
    text = (
        IMPORTS
        + "for p in m.parameters():\n    if p.dim() > 1:\n        nn.init.constant_(p, 0.1)\n"
        + "    else:\n        nn.init.zeros_(p)\n"
    )
    assert added(text, initial.scaled_init) == ["nn.init.xavier_uniform_(p)"]
    text = IMPORTS + "for p in m.parameters():\n    p.data.fill_(0.5)\n"
    wanted = ["torch.nn.init.xavier_uniform_(p) if p.dim() > 1 else torch.nn.init.zeros_(p)"]
    assert [
        line.replace("nn.init", "torch.nn.init").replace("torch.torch", "torch")
        for line in added(text, initial.scaled_init)
    ] == wanted


def test_data_are_shuffled_however_batches_are_made() -> None:
    loader = "loader = DataLoader(d, batch_size=8, shuffle=False)\n" + LOOP.format(rate=0.1, epochs=5)
    assert added(loader, data.shuffle) == ["loader = DataLoader(d, batch_size=8, shuffle=True)"]
    counted = REGRESSION.replace("torch.randperm(240)", "torch.arange(240)")
    assert edited(counted, data.shuffle) == REGRESSION
    sliced = IMPORTS + LOOP.format(rate=0.1, epochs=5).replace(
        "for xb, yb in loader:", "for i in range(0, n, 8):"
    ).replace("model(xb), yb", "model(x[i:i + 8]), y[i:i + 8]")
    assert added(sliced, data.shuffle) == [
        "order_drawn = torch.randperm(len(x))",
        "x, y = x[order_drawn], y[order_drawn]",
    ]


def test_an_edit_says_which_lines_and_is_refused_on_another_text() -> None:
    edit = numbers.rate(Source("train.py", DIGITS), None, value=0.5)
    assert edit is not None
    (change,) = edit.changes
    assert DIGITS.splitlines()[change.line - 1] == change.old
    assert Edit.from_json(edit.to_json()) == edit
    with pytest.raises(EditError, match="no longer the script"):
        apply(edit, "import torch\n" + DIGITS)


def test_edits_of_different_lines_are_combined_and_of_one_line_are_not() -> None:
    one, two = Edit("a", (Change(1, "a = 1", "a = 2"),)), Edit("a", (Change(2, "b = 1", "b = 2"),))
    both = combined([one, two], "a = 1\nb = 1\n")
    assert both is not None
    assert apply(both, "a = 1\nb = 1\n") == "a = 2\nb = 2\n"
    assert combined([one, Edit("a", (Change(1, "a = 1", "a = 3"),))], "a = 1\n") is None


def suspicion(cause: str, **facts: object) -> Suspicion:
    return Suspicion(cause, "critical", 0.9, (), "", where=Place("train.py"), facts=facts)


KNOWN = {
    "rate": 0.1, "wanted_rate": 0.01, "classes": 3, "width": 1.0, "wanted_width": 3.0, "shares": {0.0: 0.9, 1.0: 0.1},
    "prediction": (8, 1), "target": (8,), "mean": 5.0, "std": 2.0, "activation": "Sigmoid", "loss": "mse_loss",
    "wanted_loss": "cross_entropy", "size": 2, "wanted_size": 32, "axis": 1,
}  # fmt: skip


@pytest.mark.parametrize("cause", sorted(CAUSES))
@pytest.mark.parametrize("text", [DIGITS, REGRESSION, "", "x = 1\n"], ids=["classes", "values", "empty", "no training"])
@pytest.mark.parametrize("facts", [{}, KNOWN], ids=["without facts", "with facts"])
def test_every_remedy_of_every_cause_leaves_python_and_other_lines_alone(
    cause: str, text: str, facts: dict[str, object]
) -> None:
    remedies = advise(suspicion(cause, **facts), Source("train.py", text))
    assert remedies, "something can be said about every cause"
    for remedy in remedies:
        assert remedy.action.endswith(".")
        if remedy.edit is not None:
            new = apply(remedy.edit, text)
            ast.parse(new)
            assert new != text
            touched = {line for change in remedy.edit.changes for line in lines_of(change)}
            kept = [line for number, line in enumerate(text.splitlines(), 1) if number not in touched]
            assert is_subsequence(kept, new.splitlines())


def lines_of(change: Change) -> range:
    return range(change.line, change.line + (0 if change.old is None else len(change.old.split("\n"))))


def is_subsequence(lines: list[str], of: list[str]) -> bool:
    found = iter(of)
    return all(line in found for line in lines)


def test_every_cause_has_remedies_and_a_row_of_facts() -> None:
    assert set(CURES) == set(FACTS) == set(CAUSES)


def test_facts_of_another_kind_are_left_out() -> None:
    assert fact({"a": 3.0}, "a", int) == 3
    assert fact({"a": 3}, "a", float) == 3.0
    assert fact({"a": "3"}, "a", float) is None
    assert fact({"a": True}, "a", int) is None
    assert spelled({"activation": "LogSoftmax"}) == "log_softmax"


@given(st.lists(st.sampled_from(["a = 1", "b = 2", "    c", "# ü", ""]), max_size=12), st.data())
@settings(max_examples=200, deadline=None)
def test_the_edit_between_two_texts_makes_one_of_the_other(lines: list[str], drawn: st.DataObject) -> None:
    others = drawn.draw(st.lists(st.sampled_from([*lines, "d = 4", "é = 5"]), max_size=12))
    old, new = ("".join(f"{line}\n" for line in part) for part in (lines, others))
    edit = whole_edit("a.py", old, new)
    assert (old if edit is None else apply(edit, old)) == new


@given(st.floats(1e-7, 10), st.sampled_from(["", "  # the rate", ", momentum=0.9"]), st.sampled_from(["", "é = 'ü'; "]))
@settings(max_examples=100, deadline=None)
def test_any_rate_is_found_behind_any_text(rate: float, after: str, before: str) -> None:
    text = f"import torch\n{before}opt = torch.optim.SGD(net.parameters(), lr={rate!r}"
    text += ")  # the rate\nprint('é')\n" if after.startswith("  ") else f"{after})\nprint('é')\n"
    edit = numbers.rate(Source("t.py", text), None, value=0.5 if rate != 0.5 else 0.25)
    assert edit is not None
    assert [change.line for change in edit.changes] == [2]
    new = apply(edit, text)
    found = optimizer_at(Source("t.py", new), None)
    assert found is not None
    number = Source("t.py", new).number(found.option("lr"))
    assert number is not None
    assert number[0] == (0.5 if rate != 0.5 else 0.25)


def test_what_ends_a_part_of_a_network_does_not_end_the_network() -> None:
    text = f"""{IMPORTS}
class Gained(nn.Module):
    def __init__(self, gain):
        super().__init__()
        self.layer, self.gain = nn.Linear(4, 4), gain
        self.factor = gain

    def forward(self, x):
        return torch.tanh(self.factor * self.layer(x))

GAIN = 40.0
net = nn.Sequential(Gained(GAIN), Gained(GAIN), nn.Linear(4, 1))
optimizer = torch.optim.Adam(net.parameters())
"""
    edit = network.without_gain(Source("a.py", text))
    assert edit is not None
    assert apply(edit, text) == text.replace("GAIN = 40.0", "GAIN = 1")
    alone = text.replace("nn.Sequential(Gained(GAIN), Gained(GAIN), nn.Linear(4, 1))", "Gained(GAIN)")
    assert network.without_gain(Source("a.py", alone)) is None, "its tanh is the output"
