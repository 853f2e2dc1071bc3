"""How far apart two computations of one quantity may lie: one rule for all tests, from dtype and size.

Every rounding is off by at most eps(dtype) of the number rounded, and another processor, another number of
threads or another way to write the same formula rounds in another order. Two results of n such roundings in a
row therefore lie about sqrt(n) * eps apart, at the size of the largest number that took part:

    |mine - theirs| <= roundings * eps(dtype) * size

`size` is the largest of the numbers compared unless a test names what they were made of (the logits whose
difference is compared, the sum of what adds up to nothing). `roundings` is one of the three below. Equality
bit for bit is asked only of what is copied, kept or read again, and of one computation run twice.
"""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

SUM = 2**6  # one product of matrices, one sum, one softmax: up to 2**12 terms
PASS = 2**8  # a pass through a model of up to 2**16 roundings in a row, and what is read off it
# The tiny random models (tests_support) have weights far from the identity, so that no mistake stays small;
# neither does a rounding. They are in float64, where this is still 4e-12.
SHARPENED = 2**14

LOGITS = 32.0  # no logit of the models here is larger: the size of what a difference of logits is made of
REPORTED = 1e-6  # the unit of the last decimal of a number in a report


def size_of(numbers: Tensor) -> float:
    """The largest absolute value."""
    return float(numbers.detach().abs().max())


def tolerance(size: float, roundings: int = PASS, dtype: torch.dtype = torch.float32) -> float:
    """The largest difference that rounding explains."""
    return roundings * torch.finfo(dtype).eps * size


def distance(mine: Any, theirs: Any, size: float | None = None) -> float:
    """The largest difference, in units of the size of what is compared."""
    one, other = _tensor(mine).double().cpu(), _tensor(theirs).double().cpu()
    assert one.shape == other.shape, f"shapes {tuple(one.shape)} and {tuple(other.shape)}"
    if not one.numel():
        return 0.0
    size = max(size_of(one), size_of(other)) if size is None else size
    apart = float((one - other).abs().max())
    return apart / size if apart else 0.0


def assert_close(
    mine: Any,
    theirs: Any,
    roundings: int = PASS,
    *,
    size: float | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Fail unless two tensors, numbers or lists of numbers agree but for rounding.

    `dtype` is that of the computation: unless it is named, the coarser one of the two tensors', and
    float32 for Python's numbers, which say nothing of where they come from.
    """
    dtype = dtype or _coarser(mine, theirs)
    apart, allowed = distance(mine, theirs, size), tolerance(1.0, roundings, dtype)
    assert apart <= allowed, (
        f"{apart:.3g} of their size apart: {apart / torch.finfo(dtype).eps:.0f} roundings of {dtype}, "
        f"and {roundings} are allowed"
    )


def near(
    value: Any, roundings: int = PASS, *, size: float | None = None, dtype: torch.dtype = torch.float32
) -> Any:
    """The same for `==`, where numbers were also rounded to be reported: a number, a list or a dictionary."""
    numbers = list(value.values()) if isinstance(value, dict) else value
    largest = size_of(_tensor(numbers)) if size is None else size
    return pytest.approx(value, rel=0, abs=tolerance(largest, roundings, dtype) + REPORTED)


def written(value: Any, decimals: int) -> Any:
    """A number, or a list, known only as it was written with so many decimals: a unit of the last one."""
    return pytest.approx(value, rel=0, abs=10.0**-decimals)


def _tensor(numbers: Any) -> Tensor:
    if isinstance(numbers, Tensor):
        return numbers.detach()
    numbers = list(numbers) if isinstance(numbers, Sequence) else numbers
    return torch.as_tensor(numbers, dtype=torch.float64)


def _coarser(*given: Any) -> torch.dtype:
    dtypes = [x.dtype for x in given if isinstance(x, Tensor) and x.dtype.is_floating_point]
    return max(dtypes or [torch.float32], key=lambda dtype: torch.finfo(dtype).eps)
