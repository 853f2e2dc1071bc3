"""What this processor is quick at, measured once: a mode that is slower than none is not offered."""

import math
import time
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from tracer.errors import TracerError

SIZES = (512, 640, 1024)  # rows, inner, columns: 340 million multiply-adds, a few milliseconds
TRIES = 5
INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16")  # as torch calls them, on x86 and ARM


@cache
def bfloat16_takes() -> float:
    """Seconds of bfloat16 matrix products over those of float32 products on this processor.

    Measured once a process, in milliseconds. Infinite, and not measured, where the processor has no
    instructions for it: such products were seen to take a hundred times as long as in float32.
    """
    known = torch.cpu.get_capabilities()
    if not any(known.get(name) for name in INSTRUCTIONS):
        return math.inf
    generator = torch.Generator().manual_seed(0)
    rows, inner, columns = SIZES
    a, b = (torch.randn(*size, generator=generator) for size in ((rows, inner), (inner, columns)))
    coarse = a.to(torch.bfloat16), b.to(torch.bfloat16)
    return _seconds(lambda: coarse[0] @ coarse[1]) / _seconds(lambda: a @ b)


def quickest_dtype() -> torch.dtype:
    """bfloat16 where this processor multiplies matrices of it faster than of float32, else float32."""
    return torch.bfloat16 if bfloat16_takes() < 1.0 else torch.float32


def check_products(dtype: torch.dtype | None, takes: float | None = None) -> None:
    """Refuse products that are slower here than in float32; raises TracerError with the reason.

    `takes` is what `bfloat16_takes` measures, where it is known.
    """
    if dtype != torch.bfloat16:
        return
    ratio = bfloat16_takes() if takes is None else takes
    if ratio < 1.0:
        return
    reason = (
        "This processor has no instructions for products in bfloat16"
        if math.isinf(ratio)
        else f"Products in bfloat16 take {ratio:.1f} times as long as in float32 on this processor"
    )
    raise TracerError(f"{reason}, so that there is nothing to gain. Leave `products` out.")


def _seconds(product: Callable[[], Tensor]) -> float:
    """The quickest of a few, after one that prepares it."""
    times = []
    for _ in range(TRIES + 1):
        start = time.perf_counter()
        product()
        times.append(time.perf_counter() - start)
    return min(times[1:])
