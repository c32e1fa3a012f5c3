"""A kernel slides over a matrix: every product, every sum, and where the output's size comes from."""

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn import functional as F

from pellucid.blocks.filters import EdgeFilter
from pellucid.networks import parse
from pellucid.seed import generator
from pellucid.studio.exhibit import Action, Engine, Frame, RefusedError, Settings

Number = Annotated[float, Field(ge=-1e6, le=1e6)]
Matrix = Annotated[tuple[Annotated[tuple[Number, ...], Field(min_length=1, max_length=12)], ...],
                   Field(min_length=1, max_length=12)]  # fmt: skip
PICTURES = ("edge", "bar", "ring", "ramp", "noise", "own")
KERNELS = ("prewitt", "sobel", "scharr", "blur", "gauss", "sharpen", "laplace", "identity", "own")
_WRITTEN: dict[str, tuple[tuple[float, ...], ...]] = {
    "gauss": ((0.0625, 0.125, 0.0625), (0.125, 0.25, 0.125), (0.0625, 0.125, 0.0625)),
    "sharpen": ((0.0, -1.0, 0.0), (-1.0, 5.0, -1.0), (0.0, -1.0, 0.0)),
    "laplace": ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0)),
    "identity": ((0.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 0.0)),
}
"""Kernels known by their numbers; the edge filters are `EdgeFilter`'s, the blur is nine ninths."""


class ConvolutionSettings(Settings):
    """What slides over what, and how."""

    picture: Literal[PICTURES] = "edge"  # type: ignore[valid-type]
    size: int = Field(7, ge=3, le=12)
    matrix: Matrix | None = None
    kernel: Literal[KERNELS] = "sobel"  # type: ignore[valid-type]
    angle: float = Field(0.0, ge=-180.0, le=180.0)
    weights: Matrix | None = None
    stride: int = Field(1, ge=1, le=4)
    padding: int = Field(0, ge=0, le=4)
    dilation: int = Field(1, ge=1, le=3)
    position: int = Field(1, ge=0, le=399)

    @model_validator(mode="after")
    def _whole(self) -> "ConvolutionSettings":
        for name in ("matrix", "weights"):
            rows = getattr(self, name)
            if rows is not None and len({len(row) for row in rows}) > 1:
                raise RefusedError("ragged", control=name)
        return self


class SetCell(Action):
    """Another number in one cell; what it stands in becomes the reader's own."""

    kind: Literal["set_cell"]
    of: Literal["matrix", "weights"]
    row: int = Field(ge=0, lt=12)
    column: int = Field(ge=0, lt=12)
    value: Number


class Look(Action):
    """Stop at one position of the kernel, an output's cell counted along its rows."""

    kind: Literal["look"]
    position: int = Field(ge=0, le=399)


class Convolution(Engine[ConvolutionSettings]):
    """The kernel at one position; Play moves it along the rows."""

    settings_class = ConvolutionSettings
    actions = (SetCell, Look)
    pace: ClassVar[float] = 0.25

    def reset(self) -> None:
        """Compute the whole output and put the kernel where the settings say."""
        settings = self.settings
        self.matrix = _matrix(settings)
        self.kernel = _kernel(settings)
        self._require_fit()
        named: dict[str, Any] = {"stride": settings.stride, "padding": settings.padding, "dilation": settings.dilation}
        batch, weights = self.matrix[None, None], self.kernel[None, None]
        self.output = F.conv2d(batch, weights, **named)[0, 0]
        # every window's numbers as a column of H W products, in the order of the output's cells
        self.windows = F.unfold(batch, tuple(self.kernel.shape), **named)[0].T
        self.position = min(settings.position, self.output.numel() - 1)

    def change(self, settings: ConvolutionSettings) -> None:
        """Begin anew at the first position, unless it is the position that changes."""
        moved = settings.position != self.settings.position
        self.settings = settings if moved else settings.model_copy(update={"position": 0})
        self.reset()

    def act(self, action: Any) -> None:
        """Set a cell, or look at a position."""
        match action:
            case SetCell():
                self._set_cell(action)
            case Look():
                self._move(min(action.position, self.output.numel() - 1))

    def advance(self) -> bool:
        """Move to the next position, after the last to the first."""
        self._move((self.position + 1) % self.output.numel())
        return True

    def frame(self) -> Frame:
        """Return the three matrices, the window at the position and its products."""
        window = self.windows[self.position].reshape(self.kernel.shape)
        rows, columns = self.output.shape
        values = {
            "position": self.position,
            "row": self.position // columns,
            "column": self.position % columns,
            "input": list(self.matrix.shape),
            "kernel": list(self.kernel.shape),
            "output": [rows, columns],
            "sum": float(self.output.flatten()[self.position]),
        }
        arrays = {
            "matrix": _padded(self.matrix, self.settings.padding),
            "weights": self.kernel,
            "window": window,
            "products": window * self.kernel,
            "result": self.output,
        }
        return Frame(values, {name: np.asarray(array) for name, array in arrays.items()})

    def sources(self) -> dict[str, str]:
        """Return the convolution as a layer in arrows, and as a program with these very numbers."""
        settings = self.settings
        height, width = self.kernel.shape
        extra = [f"{name}={value}" for name, value, usual in (
            ("stride", settings.stride, 1), ("padding", settings.padding, 0), ("dilation", settings.dilation, 1),
        ) if value != usual]  # fmt: skip
        arguments = ", ".join(["1", f"{height}x{width}", *extra, "bias=no"])
        rows, columns = self.matrix.shape
        arrows = str(parse(f"{rows}x{columns}x1 -> conv({arguments})"))
        return {"arrows": arrows, "pytorch": self._program(extra)}

    def _program(self, extra: list[str]) -> str:
        matrix, kernel = (_written(each) for each in (self.matrix, self.kernel))
        named = "".join(f", {each}" for each in extra)
        return (
            "import torch\nfrom torch.nn import functional as F\n\n"
            f"matrix = torch.tensor({matrix})\nkernel = torch.tensor({kernel})\n\n"
            f"output = F.conv2d(matrix[None, None], kernel[None, None]{named})[0, 0]\nprint(output)\n"
        )

    def _move(self, position: int) -> None:
        self.position = position
        self.settings = self.settings.model_copy(update={"position": position})

    def _set_cell(self, action: SetCell) -> None:
        cells = (self.matrix if action.of == "matrix" else self.kernel).tolist()
        if action.row >= len(cells) or action.column >= len(cells[0]):
            raise RefusedError("no_cell", control=action.of, row=action.row + 1, column=action.column + 1)
        cells[action.row][action.column] = action.value
        whole = tuple(map(tuple, cells))
        changed = {"matrix": whole, "picture": "own"} if action.of == "matrix" else {"weights": whole, "kernel": "own"}
        self.settings = self.settings.model_copy(update=changed)
        self.reset()

    def _require_fit(self) -> None:
        for side, kernel in zip(self.matrix.shape, self.kernel.shape, strict=True):
            reach = self.settings.dilation * (kernel - 1) + 1
            room = side + 2 * self.settings.padding
            if reach > room:
                raise RefusedError("too_large", reach=reach, room=room)


def _matrix(settings: ConvolutionSettings) -> Tensor:
    """Return the picture, (H, W) in float64; an own one as it is written."""
    if settings.picture == "own" and settings.matrix is not None:
        return torch.tensor(settings.matrix, dtype=torch.float64)
    n = settings.size
    across = torch.arange(n, dtype=torch.float64).expand(n, n)
    down, middle = across.T, (n - 1) / 2
    match settings.picture:
        case "bar":
            return ((across - middle).abs() < n / 6).double() * 9
        case "ring":
            far = torch.hypot(across - middle, down - middle)
            return ((far - n / 3).abs() < 0.8).double() * 9
        case "ramp":
            return across.clone()
        case "noise":
            return torch.randint(0, 10, (n, n), generator=generator(settings.seed, "matrix")).double()
    return (across >= n // 2).double() * 9


def _kernel(settings: ConvolutionSettings) -> Tensor:
    """Return the kernel, (h, w) in float64."""
    if settings.kernel == "own" and settings.weights is not None:
        return torch.tensor(settings.weights, dtype=torch.float64)
    if settings.kernel in dict(EdgeFilter.SMOOTHINGS):
        return EdgeFilter(settings.kernel, settings.angle).kernel[0, 0].double()
    if settings.kernel in _WRITTEN:
        return torch.tensor(_WRITTEN[settings.kernel], dtype=torch.float64)
    return torch.full((3, 3), 1 / 9, dtype=torch.float64)


def _padded(matrix: Tensor, padding: int) -> Tensor:
    return F.pad(matrix, (padding,) * 4)


def _written(matrix: Tensor) -> str:
    rows = [
        "[" + ", ".join(f"{value:.6g}" if value % 1 else f"{value:.1f}" for value in row) + "]"
        for row in matrix.tolist()
    ]
    return "[" + ", ".join(rows) + "]"


ENGINE = Convolution
