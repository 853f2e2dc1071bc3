"""A GGUF file made into an ordinary model folder, in a process of its own. Knows no cache and no packages."""

import errno
import functools
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tracer.errors import ModelError
from tracer.models.gguf_header import read_header


def convert_apart(gguf: Path, out: Path, progress: Callable[[float], None]) -> None:
    """Dequantise a GGUF file to a model folder, in a process of its own.

    Its 3 GB go back to the system, its progress bars go nowhere, and a cancel ends it at once. Raises
    ModelError with one sentence, OSError where the disk is full.
    """
    rooms = str(Path(__file__).parents[2])
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); "
        "from tracer.models.gguf_conversion import _convert; _convert(*sys.argv[2:])"
    )
    expected = 1.0 + gguf.stat().st_size / 25e6  # seconds; shapes the progress shown, no more
    started = time.monotonic()
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(
            [sys.executable, "-c", code, rooms, str(gguf.absolute()), str(out.absolute())],
            stdin=subprocess.PIPE,  # see `_leave_with_parent`
            stdout=log,
            stderr=log,
        )
        try:
            while child.poll() is None:
                spent = time.monotonic() - started
                progress(spent / (spent + expected))
                time.sleep(0.1)
        finally:
            child.kill()
            child.communicate()
        if child.returncode:
            log.seek(0)
            _explain(gguf, child.returncode, log.read().decode(errors="replace"))


def _explain(gguf: Path, returncode: int, log: str) -> None:
    """Turn the converting process's last words into an error fit to show."""
    if returncode < 0:
        raise ModelError(
            f"Reading {gguf.name} was ended by signal {-returncode}, most likely for want of "
            "memory; the embedded model needs 4 GB free the first time."
        )
    last = next((line for line in reversed(log.splitlines()) if line.strip()), "no reason given")
    if "os error 28" in last or "No space left" in last or "File too large" in last:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    reason = last.partition(": ")[2] or last
    if last.startswith("tracer.errors.ModelError"):  # our own, fit to show as it is
        raise ModelError(reason)
    raise ModelError(
        f"The file {gguf.name} cannot be read as a model, it may be damaged or of an unknown kind: "
        f"{reason.strip().rstrip('.')[:300]}."
    )


def _leave_with_parent() -> None:
    """End this process when its parent ends, however that ends: nobody would move the folder."""
    os.read(0, 1)  # nothing is ever sent: it returns when the parent's end of the pipe is closed
    os._exit(1)


def _convert(gguf: str, out: str) -> None:
    """What the process of its own does."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    import gguf as reading

    # The file is read for its config and again for its weights, 10 s each time: index it once.
    reading.GGUFReader = functools.cache(reading.GGUFReader)  # type: ignore[assignment, misc]
    unpack(gguf, out)


def unpack(gguf: str, out: str) -> None:
    """Dequantise `gguf` to float32 safetensors, with its tokenizer, in the folder `out`.

    Raises ModelError where a weight is missing, has no place, or is no number.
    """
    import gguf as reading  # heavy, all three: paid only by the process that converts
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GgufConfig

    from tracer.models.checkpoint import check_finite, check_whole
    from tracer.models.gguf_settings import ROPE_FACTORS, complete_config

    folder, file = os.path.split(gguf)
    config = AutoConfig.from_pretrained(folder, gguf_file=file)
    factors = [t.data.tolist() for t in reading.GGUFReader(gguf).tensors if t.name == ROPE_FACTORS]
    complete_config(config, read_header(Path(gguf)), *factors)
    # Told its kind, a Gemma tokenizer spares a reading of 262,144 tokens (13 s); others are fast.
    kind = {"tokenizer_type": config.model_type} if config.model_type.startswith("gemma") else {}
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file, **kind)
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        folder,
        config=config,
        gguf_file=file,
        dtype=torch.float32,
        quantization_config=GgufConfig(dequantize=True),
        ignore_mismatched_sizes=True,  # told by name
        output_loading_info=True,
    )
    model, found = loaded
    check_whole(file, model, found)
    check_finite(file, model)
    model.config.architectures = [type(model).__name__]  # a GGUF does not say; loading needs it
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
