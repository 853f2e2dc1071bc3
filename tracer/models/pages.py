"""Gives pages of mapped weights back to the system once they were read.

Such a page stays in the system's file cache; whoever reads it again gets it from there, by a page fault.
Linux only: elsewhere no mapping is known, and nothing is given back. Knows no model's layout.
"""

import ctypes
import mmap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

PART = 8192  # rows of an unembedding that are mapped at a time


class Pages:
    """The pages of some tensors that only mirror a file; none where tensors lie in memory."""

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        files = _mapped_files()
        # held, so that nothing else can ever lie at these addresses
        self._held = [tensor.detach() for tensor in tensors if _is_mapped(tensor, files)]
        self._ranges: list[tuple[int, int]] = []
        for tensor in sorted(self._held, key=Tensor.data_ptr):
            first, end = tensor.data_ptr(), tensor.data_ptr() + tensor.nbytes
            first -= first % mmap.PAGESIZE
            if self._ranges and first <= self._ranges[-1][1]:  # neighbours in the file: one call for both
                first, _ = self._ranges.pop()
            self._ranges.append((first, end))
        self._madvise = ctypes.CDLL(None).madvise if self._ranges else None

    def release(self) -> None:
        """Give them back. What was written to them, and not to the file, is lost."""
        for first, end in self._ranges:
            assert self._madvise is not None
            self._madvise(ctypes.c_void_p(first), ctypes.c_size_t(end - first), mmap.MADV_DONTNEED)


def _is_mapped(tensor: Tensor, files: Sequence[tuple[int, int]]) -> bool:
    if tensor.device.type != "cpu":
        return False
    first, end = tensor.data_ptr(), tensor.data_ptr() + tensor.nbytes
    return any(start <= first and end <= stop for start, stop in files)


def _mapped_files() -> list[tuple[int, int]]:
    """Where files are mapped into this process: first address, and the one after the last."""
    maps, found = Path("/proc/self/maps"), []
    for line in maps.read_text(encoding="utf-8").splitlines() if maps.exists() else ():
        place, _access, _offset, _device, inode, *_path = line.split(maxsplit=5)
        if inode != "0":
            first, _, end = place.partition("-")
            found.append((int(first, 16), int(end, 16)))
    return found


def release_after_use(module: nn.Module) -> None:
    """From now on a module gives its mapped weights back each time it has run."""
    pages = Pages(module.parameters())
    module.register_forward_hook(lambda *_: pages.release())  # stays: it is how this module is loaded


class HeadInParts(nn.Module):
    """An unembedding whose mapped weights are held a part at a time."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        assert isinstance(head.weight, nn.Parameter)
        self.weight, self.bias = head.weight, getattr(head, "bias", None)
        self._pages = [Pages([rows]) for rows in self.weight.detach().split(PART)]

    def parts(self) -> Iterator[Float[Tensor, "some d_model"]]:
        """Rows, in order; those before are given back when the next are asked for."""
        for rows, pages in zip(self.weight.detach().split(PART), self._pages, strict=True):
            yield rows
            pages.release()

    def forward(self, x: Float[Tensor, "*batch d_model"]) -> Float[Tensor, "*batch vocab"]:
        """Every token's logit."""
        out, done = x.new_empty(*x.shape[:-1], len(self.weight)), 0
        for rows in self.parts():
            out[..., done : done + len(rows)] = F.linear(x, rows)
            done += len(rows)
        return out if self.bias is None else out + self.bias
