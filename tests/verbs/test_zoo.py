"""The zoo on the terminal: every network listed, each shown in full, with figures that are the plan's own."""

import json

import pytest

import pellucid
from pellucid.cli import main
from pellucid.networks import FAMILIES, ZOO


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as exit_:
        main(["zoo", *arguments])
    captured = capsys.readouterr()
    assert exit_.value.code == 0, captured.err
    return captured.out


def test_every_network_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys)
    assert [line.split()[0] for line in text.splitlines() if line.split()[:1] and line.split()[0] in ZOO] == list(ZOO)
    assert all(f"\n{title}\n" in text for title in FAMILIES)
    assert pellucid.zoo() == ZOO


@pytest.mark.parametrize("name", ZOO)
def test_each_is_shown_in_full(capsys: pytest.CaptureFixture[str], name: str) -> None:
    page = said(capsys, name)
    assert ZOO[name].reference in page
    assert "->" in page
    assert "total" in page


def test_lenet_has_the_papers_figures(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(said(capsys, "lenet5", "--json", "-"))
    assert document["parameters"] == 61_706
    assert [layer["shape"] for layer in document["layers"]][:3] == ["28x28x6", "28x28x6", "14x14x6"]
    assert document["layers"][-1]["receptive_field"] == "all"
    assert pellucid.parse(document["arrows"]).parameters == document["parameters"]


def test_arguments_and_an_input_change_what_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(said(capsys, "13 -> mlp(20, 10)", "--json", "-"))
    assert document["parameters"] == 13 * 20 + 20 + 20 * 10 + 10 + 10 * 10 + 10
    page = said(capsys, "gru")
    assert "layers=1" in page
    assert "bidirectional=no" in page
    assert "whether a second layer reads backwards" in page


def test_a_mistyped_name_is_offered_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["zoo", "lenet"])
    assert exit_.value.code == 2
    assert "did you mean 'lenet5'?" in capsys.readouterr().err
