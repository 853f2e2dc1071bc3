"""What a trace will need before anything is loaded, against what this machine has: as lines to print."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent.core import AgentError, Settings
from tracer import SetSizes, Sizes, TracerError, free_memory, set_sizes, sizes_of, speed

LENGTHS = (16, 128, 512)
GIGABYTE = 1_000_000_000


class NotAvailable(AgentError):
    """What was asked about is not on this machine, or cannot be traced."""


def estimate_needs(settings: Settings, tokens: Sequence[int] = ()) -> Iterator[str]:
    """A line a finding on the model of these settings; raises AgentError with one sentence."""
    transcoders = settings.transcoders
    try:
        model = sizes_of(settings.model)
        table = None if transcoders is None else set_sizes(transcoders)
    except TracerError as exc:
        raise NotAvailable(str(exc)) from exc
    yield (
        f"{model.name} is of a supported family ({model.family}): {model.layers} layers, "
        f"{model.parameters / 1e6:,.0f} million weights."
    )
    if table is not None:
        yield from _about(model, table)
    memory, rate = free_memory(), speed()
    lengths = sorted({*LENGTHS, *tokens})
    estimates = [model.need(length, settings.nodes, rate) for length in lengths]
    for need in estimates:
        verdict = "" if need.memory < memory else ": more than is free"
        above = " (above ASKCIRCUIT_MAX_TOKENS)" if need.tokens > settings.max_tokens else ""
        yield (
            f"A trace of {need.tokens} tokens needs about {_gigabytes(need.memory)} of memory and "
            f"{_time(need.seconds)}{above}{verdict}."
        )
    yield f"This machine has {_gigabytes(memory)} of memory free; times are for its speed at this moment."
    disk = shutil.disk_usage(_nearest(settings.cache_folder)).free
    yield f"There are {_gigabytes(disk)} free on the disk that keeps the weights."
    short = [need.tokens for need in estimates if need.memory < memory]
    if len(short) < len(estimates):
        limit = f"give texts of at most {max(short)} tokens" if short else "take a smaller model"
        yield f"To trace with less: {limit}, lower ASKCIRCUIT_NODES, or close other programs."


def estimate_worker_memory(settings: Settings, texts: Sequence[str], workers: int) -> str:
    """What so many processes will need for these texts, against what is free, in a sentence."""
    free = _gigabytes(free_memory())
    try:
        tokens = min(settings.max_tokens, max(len(text) // 3 + 2 for text in texts))
        need = sizes_of(settings.model).need(tokens, settings.nodes, speed()).memory
    except TracerError:
        return f"{workers} process(es) will load {settings.model}; {free} of memory are free."
    enough = "" if workers * need < free_memory() else ": more than is free, take fewer --workers"
    return f"{workers} process(es) need about {_gigabytes(need)} each, and {free} are free{enough}."


def _about(model: Sizes, table: SetSizes) -> Iterator[str]:
    """What a set is, and whether it is for this model."""
    trained = f", trained on {table.trained_on}" if table.trained_on else ""
    yield (
        f"The transcoders are {table.kind}{trained}: {table.files} files of {_gigabytes(table.bytes)} with "
        f"up to {table.features:,} features a layer; they stay on disk and are read as they are needed."
    )
    if model.d_model != table.d_model or model.layers < table.layers:
        yield (
            f"They do not fit: they are for {table.layers} layers and a stream {table.d_model} wide; "
            f"{model.name} has {model.layers} layers and is {model.d_model} wide."
        )
        return
    without = [*table.missing, *range(table.layers, model.layers)]
    if without:
        layers = ", ".join(map(str, without))
        yield f"Layers {layers} have no transcoder: what their MLPs write will be error nodes."


def _nearest(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())


def _gigabytes(size: int) -> str:
    return f"{size / GIGABYTE:.1f} GB"


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 6000 else f"{seconds / 3600:.0f} hours"
