"""How far back the gradient of a recurrent network reaches, trained and as it was drawn at first."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from pellucid.networks.through_time import Reach
from pellucid.report.canvas import BLUE, ORANGE, SOFT, drawn, thinned, titled
from pellucid.report.markup import element
from pellucid.report.numbers import counted
from pellucid.report.pieces import section

FELT = 0.01
"""The share of the greatest norm below which a step is said to be felt no more."""

_DEEPEST = 1e-8  # of the greatest norm: what lies below is nothing in single precision


def reach(measured: Reach) -> Element:
    """Return the norm of the gradient by distance, and in words how many steps back it is felt."""
    longest = len(measured.trained) - 1
    trained, initial = farthest(measured.trained), farthest(measured.initial)
    lead = (
        f"How much the state after the last step would change by a small change of what was read before it. In the"
        f" trained network this is at least 1 % of its greatest up to {_back(trained, longest)}; before the training"
        f" it was up to {_back(initial, longest)}. Where it has vanished, nothing is learned of steps so far back."
    )
    return section(
        "reach", "How far back the gradient reaches", element("div", _figure(measured), class_="pair"), lead=lead
    )


def farthest(norms: Sequence[float]) -> int:
    """Return the greatest distance at which a step is still felt."""
    least = FELT * max(norms)
    return max(distance for distance, norm in enumerate(norms) if norm >= least)


def _back(distance: int, longest: int) -> str:
    return f"{counted(distance, 'step')} back" + (", as far as the samples go" if distance == longest else "")


def _figure(measured: Reach) -> Element:
    trained, initial = measured.trained, measured.initial
    greatest = max(*trained, *initial)
    alternative = (
        f"Norm of the gradient in the trained network {trained[0]:.2g} at the last step and {trained[-1]:.2g}"
        f" {counted(len(trained) - 1, 'step')} before it; before the training {initial[0]:.2g} and {initial[-1]:.2g}."
    )

    def draw(axes: Axes) -> None:
        axes.axhline(FELT * max(trained), color=SOFT, linewidth=1, linestyle=(0, (1, 2)))
        for norms, colour, label, style in (
            (initial, ORANGE, "before the training", (0, (5, 1.5))),
            (trained, BLUE, "trained", "-"),
        ):
            places = [place for place in thinned(norms) if norms[place] > 0]
            axes.plot(places, [norms[place] for place in places], color=colour, label=label, linestyle=style)
        axes.set(yscale="log", xlabel="steps before the last")
        axes.set_ylim(bottom=max(_DEEPEST * greatest, 0.5 * min(filter(None, (*trained, *initial)))))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        axes.legend(loc="best")

    detail = f"|dh(T)/dx(t)|, mean of {measured.samples} held-out samples; dotted: 1 % of the greatest"
    return titled("Gradient through time", detail, drawn("reach", alternative, draw))
