"""The activations' figure shows the values torch computes and the derivatives autograd finds."""

from pathlib import Path

import pytest
import torch
from matplotlib.figure import Figure

from pellucid.errors import OptionError
from pellucid.networks import NONLINEARITIES, build
from pellucid.report.activations import draw_activations


@pytest.mark.covers("A5")
def test_values_and_derivatives_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures: list[Figure] = []
    save = Figure.savefig

    def saved(figure: Figure, *args: object, **named: object) -> None:
        figures.append(figure)
        save(figure, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Figure, "savefig", saved)
    draw_activations(tmp_path / "all.svg")
    assert (tmp_path / "all.svg").read_text().count("<svg") == 1
    drawn = {axes.get_title(): axes for axes in figures[0].axes if axes.axison}
    assert set(drawn) == {name for name, facts in NONLINEARITIES.items() if facts.slope}
    for name in drawn.keys() - {"step"}:
        values, slopes = drawn[name].lines
        x = torch.tensor(values.get_xdata(), dtype=torch.float64, requires_grad=True)
        y = build(f"1 -> {name}").double()(x[:, None])[:, 0]
        assert torch.allclose(y, torch.tensor(values.get_ydata()).double(), atol=1e-5)
        (slope,) = torch.autograd.grad(y.sum(), x)
        smooth = x.abs().sub(1).abs().gt(0.1) & x.abs().gt(0.1)  # beside the kinks
        assert torch.allclose(slope[smooth], torch.tensor(slopes.get_ydata()).double()[smooth], atol=1e-5)


def test_a_name_that_is_none_and_a_matrix_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cannot be drawn"):
        draw_activations(tmp_path / "x.png", ["rellu"])
    with pytest.raises(OptionError, match="cannot be drawn"):
        draw_activations(tmp_path / "x.png", ["softmax"])
    draw_activations(tmp_path / "x.png", ["relu", "elu"])
    assert (tmp_path / "x.png").stat().st_size > 1_000
