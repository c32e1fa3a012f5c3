"""Classic surfaces that optimisers are tried on: formula, published minima, source.

Every function takes x and y, tensors of one shape, and returns the height at each place; autograd has their gradients.
A function uses nothing but torch, so that it can stand in a program as it stands here.

Sources, where none is named: Jamil and Yang 2013, A literature survey of benchmark functions for global optimisation
problems.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Place = tuple[float, float]
Function = Callable[[Tensor, Tensor], Tensor]


def bowl(x: Tensor, y: Tensor, condition: float = 20.0) -> Tensor:
    """Return (x² + κ y²) / 2, whose Hessian has the condition number κ."""
    return (x**2 + condition * y**2) / 2


def rosenbrock(x: Tensor, y: Tensor) -> Tensor:
    """Return (1 - x)² + 100 (y - x²)² (Rosenbrock 1960)."""
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def beale(x: Tensor, y: Tensor) -> Tensor:
    """Return Σ_k (c_k - x (1 - y^k))² with c = 1.5, 2.25, 2.625 (Beale 1958)."""
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def booth(x: Tensor, y: Tensor) -> Tensor:
    """Return (x + 2y - 7)² + (2x + y - 5)²."""
    return (x + 2 * y - 7) ** 2 + (2 * x + y - 5) ** 2


def himmelblau(x: Tensor, y: Tensor) -> Tensor:
    """Return (x² + y - 11)² + (x + y² - 7)² (Himmelblau 1972)."""
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def camel(x: Tensor, y: Tensor) -> Tensor:
    """Return (4 - 2.1 x² + x⁴/3) x² + x y + 4 (y² - 1) y²: the six-hump camel."""
    return (4 - 2.1 * x**2 + x**4 / 3) * x**2 + x * y + 4 * (y**2 - 1) * y**2


def styblinski_tang(x: Tensor, y: Tensor) -> Tensor:
    """Return ½ Σ (z⁴ - 16 z² + 5 z) over both coordinates z (Styblinski and Tang 1990)."""
    return (x**4 - 16 * x**2 + 5 * x + y**4 - 16 * y**2 + 5 * y) / 2


def rastrigin(x: Tensor, y: Tensor) -> Tensor:
    """Return 20 + Σ (z² - 10 cos 2πz) over both coordinates z (Rastrigin 1974)."""
    return 20 + x**2 + y**2 - 10 * (torch.cos(2 * torch.pi * x) + torch.cos(2 * torch.pi * y))


def ackley(x: Tensor, y: Tensor) -> Tensor:
    """Return 20 + e - 20 exp(-0.2 √((x² + y²)/2)) - exp((cos 2πx + cos 2πy)/2) (Ackley 1987).

    At its minimum it is a cone's tip; the gradient there is taken for 0.
    """
    far = torch.linalg.vector_norm(torch.stack([x, y]), dim=0)
    waves = (torch.cos(2 * torch.pi * x) + torch.cos(2 * torch.pi * y)) / 2
    return 20 + torch.e - 20 * torch.exp(-0.2 * far / 2**0.5) - torch.exp(waves)


def easom(x: Tensor, y: Tensor) -> Tensor:
    """Return -cos x cos y exp(-(x - π)² - (y - π)²), a hole in a plateau (Easom 1990)."""
    return -torch.cos(x) * torch.cos(y) * torch.exp(-((x - torch.pi) ** 2) - (y - torch.pi) ** 2)


def bukin(x: Tensor, y: Tensor) -> Tensor:
    """Return 100 √|y - x²/100| + |x + 10| / 100, a valley with a sharp bottom (Bukin 1997, function 6)."""
    return 100 * torch.sqrt(torch.abs(y - x**2 / 100)) + torch.abs(x + 10) / 100


def saddle(x: Tensor, y: Tensor) -> Tensor:
    """Return x² - y²; it has no minimum."""
    return x**2 - y**2


def monkey_saddle(x: Tensor, y: Tensor) -> Tensor:
    """Return x³ - 3 x y²; it has no minimum, and at (0, 0) its Hessian is 0 (Hilbert and Cohn-Vossen 1932)."""
    return x**3 - 3 * x * y**2


@dataclass(frozen=True)
class Surface:
    """A surface, and where on it a race is worth looking at.

    Attributes:
        function: of x and y.
        tex: the formula.
        box: (left, right), (bottom, top): what is shown.
        start: where everyone begins; the published start where there is one.
        rate: the learning rate of plain gradient descent that suits it.
        minima: the global ones; none where the function has no least value.
        least: the loss there.
        goal: the loss at which an optimiser has arrived; where there is no minimum, at which it has left the saddle.
        other: other critical points that are known: local minima, saddles, maxima.
    """

    function: Function
    tex: str
    box: tuple[Place, Place]
    start: Place
    rate: float
    minima: tuple[Place, ...] = ()
    least: float | None = 0.0
    goal: float = 0.01
    other: tuple[Place, ...] = ()

    def source(self) -> str:
        """Return the function as it stands in this file, without its annotations."""
        written = inspect.getsource(self.function)
        return written.replace(": Tensor", "").replace(" -> Tensor", "").replace(": float = ", "=")


_BOTH = "z \\in \\{x, y\\}"
SURFACES: dict[str, Surface] = {
    "bowl": Surface(
        bowl, "\\tfrac{1}{2}\\left(x^2 + \\kappa\\, y^2\\right)", ((-5, 5), (-5, 5)), (-4.0, 3.0), 1.0, ((0, 0),)
    ),
    "rosenbrock": Surface(
        rosenbrock, "(1 - x)^2 + 100\\,(y - x^2)^2", ((-2, 2), (-1, 3)), (-1.2, 1.0), 0.001, ((1, 1),)
    ),
    "beale": Surface(
        beale,
        "(1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2",
        ((-4.5, 4.5), (-4.5, 4.5)), (1.0, 1.5), 0.005, ((3, 0.5),), other=((0, 1),),
    ),
    "booth": Surface(booth, "(x + 2y - 7)^2 + (2x + y - 5)^2", ((-10, 10), (-10, 10)), (-8.0, -6.0), 0.02, ((1, 3),)),
    "himmelblau": Surface(
        himmelblau,
        "(x^2 + y - 11)^2 + (x + y^2 - 7)^2",
        ((-5, 5), (-5, 5)), (0.0, 0.0), 0.005,
        ((3, 2), (-2.805118, 3.131312), (-3.779310, -3.283186), (3.584428, -1.848126)),
        other=((-0.270845, -0.923039), (0.086678, 2.884255), (3.385154, 0.073852), (-3.073026, -0.081353),
               (-0.127961, -1.953715)),
    ),
    "camel": Surface(
        camel,
        "\\left(4 - 2.1x^2 + \\tfrac{x^4}{3}\\right)x^2 + xy + 4\\,(y^2 - 1)\\,y^2",
        ((-2, 2), (-1.5, 1.5)), (-0.4, 1.2), 0.02,
        ((0.089842, -0.712656), (-0.089842, 0.712656)), -1.0316284534898774, -1.02,
        ((0, 0), (1.703607, -0.796084), (-1.703607, 0.796084), (1.607105, 0.568651), (-1.607105, -0.568651)),
    ),
    "styblinski_tang": Surface(
        styblinski_tang,
        f"\\tfrac{{1}}{{2}}\\sum_{{{_BOTH}}} \\left(z^4 - 16z^2 + 5z\\right)",
        ((-5, 5), (-5, 5)), (0.3, 4.4), 0.005, ((-2.903534, -2.903534),), -78.33233140754282, -78.3,
        ((2.746803, 2.746803), (2.746803, -2.903534), (-2.903534, 2.746803), (0.156731, 0.156731)),
    ),
    "rastrigin": Surface(
        rastrigin, f"20 + \\sum_{{{_BOTH}}} \\left(z^2 - 10\\cos 2\\pi z\\right)",
        ((-4, 4), (-4, 4)), (-3.3, 2.6), 0.001, ((0, 0),),
    ),
    "ackley": Surface(
        ackley,
        "20 + e - 20\\,e^{-0.2\\sqrt{(x^2 + y^2)/2}} - e^{(\\cos 2\\pi x + \\cos 2\\pi y)/2}",
        ((-4, 4), (-4, 4)), (-1.4, 0.6), 0.01, ((0, 0),),
    ),
    "easom": Surface(
        easom, "-\\cos x\\,\\cos y\\;e^{-(x - \\pi)^2 - (y - \\pi)^2}", ((0, 6), (0, 6)), (4.6, 1.8), 0.2,
        ((torch.pi, torch.pi),), -1.0, -0.99,
    ),
    "bukin": Surface(
        bukin, "100\\sqrt{\\left|y - \\tfrac{x^2}{100}\\right|} + \\tfrac{|x + 10|}{100}",
        ((-15, 0), (-2, 4)), (-3.0, 3.0), 0.0005, ((-10, 1),),
    ),
    "saddle": Surface(saddle, "x^2 - y^2", ((-2, 2), (-2, 2)), (-1.8, 0.001), 0.05, (), None, -1.0, ((0, 0),)),
    "monkey_saddle": Surface(
        monkey_saddle, "x^3 - 3xy^2", ((-2, 2), (-2, 2)), (1.6, 0.01), 0.05, (), None, -1.0, ((0, 0),)
    ),
}  # fmt: skip
