"""Whatever holds numbers in memory as a plain tensor or array of them, or a refusal that says what is wrong.

Shape letters: N samples, C channels, H height, W width.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.errors import DataError


def as_array(values: object) -> NDArray[Any]:
    """Return targets as an array of numbers or words.

    Raises:
        DataError: some are missing or masked, or they are neither.
    """
    if isinstance(values, Tensor):
        values = _dense(values, "targets")
        # numpy has no bfloat16
        values = (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    _refuse_masked(values, "targets")
    array = np.asarray(values)
    if array.dtype.kind == "O" and any(value is None for value in array.flat):
        raise DataError(
            "targets are missing",
            expected="a target for every sample",
            received=f"{sum(value is None for value in array.flat):,} None",
            advice="leave those samples out",
        )
    if array.dtype.kind not in "biufUS":
        try:  # a list or an object array of words
            array = np.asarray(array.tolist(), dtype=np.str_)
        except ValueError:
            raise DataError("targets of this kind cannot be read", expected="numbers or words") from None
    return array


def as_tensor(values: object, what: str) -> Tensor:
    """Return a tensor, an array or nested lists of real numbers as a tensor on the CPU.

    Raises:
        DataError: they are ragged, masked, sparse, complex or no numbers.
    """
    if isinstance(values, Tensor):
        tensor = _dense(values, what)
    else:
        _refuse_masked(values, what)
        try:
            array = np.asarray(values)
        except ValueError:  # nested lists of unequal lengths
            array = np.empty(0, dtype=object)
        if array.dtype.kind not in "biuf":
            raise DataError(
                f"{what} must be numbers in one rectangular array",
                expected="a tensor, an array or nested lists of numbers, all of one length",
                received=f"{type(values).__name__} of {array.dtype}",
                advice="encode words as numbers first, or pass a DataFrame, whose columns are encoded for you",
            )
        # numpy's own "contiguous" would make an array of one of a single number
        tensor = torch.from_numpy(array.astype(array.dtype.newbyteorder("="), order="C"))
    if tensor.is_complex():
        raise DataError(f"{what} must be real numbers", received=str(tensor.dtype))
    return tensor


def _dense(tensor: Tensor, what: str) -> Tensor:
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_nested:
        raise DataError(
            f"{what} must be a plain tensor",
            expected="a dense one",
            received="a nested one" if tensor.is_nested else f"{tensor.dtype}, {tensor.layout}",
            advice="pass tensor.to_dense(), or what makes a plain tensor of it",
        )
    return tensor.detach().cpu()


def _refuse_masked(values: object, what: str) -> None:
    if isinstance(values, np.ma.MaskedArray) and bool(np.ma.getmaskarray(values).any()):
        raise DataError(
            f"{int(np.ma.getmaskarray(values).sum()):,} of {values.size:,} numbers in the {what} are masked",
            expected="every number",
            received="a masked array",
            advice="fill them in with array.filled(value), or leave those samples out",
        )


def storable(inputs: Tensor, precision: torch.dtype = torch.float32) -> Tensor:
    """Return bytes of images as they are, everything else in a precision."""
    return inputs if inputs.dtype == torch.uint8 and inputs.ndim == 4 else inputs.to(precision)


def refuse_non_finite(values: Tensor, what: str) -> None:
    """Refuse numbers that are not finite.

    Raises:
        DataError: how many there are, and where the first is.
    """
    if not values.is_floating_point():
        return
    # float32 is what is computed with; a comparison with NaN is false
    bad = ~values.isfinite() if values.dtype == torch.float32 else ~(values.abs() <= torch.finfo(torch.float32).max)
    if bad.any():
        first = ", ".join(map(str, bad.nonzero()[0].tolist()))
        raise DataError(
            f"{int(bad.sum()):,} of {values.numel():,} numbers in the {what} are not finite, or beyond float32",
            expected="finite numbers up to 3.4e+38",
            received=f"{values[tuple(bad.nonzero()[0])].item()} first at [{first}]",
            advice="fill or remove them before loading; missing values in a table are handled for you",
        )
