"""What a trace and an answer need before anything is loaded, and what this machine has: as lines to print."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from agent.core import AgentError, Settings, percent, rows_on
from tracer import (
    SetSizes,
    Sizes,
    TracerError,
    check_traced,
    explained_by_set,
    fit_transcoders,
    free_memory,
    load,
    load_transcoders,
    set_sizes,
    sizes_of,
    speed,
)

LENGTHS = (16, 128, 512, 4096)
GIGABYTE = 1_000_000_000
LONG = 160  # tokens from which what an answer takes is told before it is begun
LITTLE = 0.3  # of what the MLPs write, rebuilt: less than sets that fit do
READS = {  # what a set's encoders are given, in words
    "hook_resid_mid": "the stream before the MLP's norm",
    "ln2.hook_normalized": "the stream after the norm's scale, before its gain",
    "mlp.hook_in": "what the MLP reads",
}
WRITES = {
    "hook_mlp_out": "what the MLP adds to the stream",
    "mlp.hook_out": "what the MLP gives to the norm behind it",
}


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
    if model.note:
        yield model.note
    if table is not None:
        yield from _about(model, table)
    memory, rate = free_memory(), speed()
    lengths = sorted({*LENGTHS, *tokens})
    estimates = [model.need(length, settings.nodes, rate, settings.window) for length in lengths]
    answers = [
        model.answer_seconds(length, _rows(settings, length), rate, settings.window) for length in lengths
    ]
    for need, answer in zip(estimates, answers, strict=True):
        verdict = "" if need.memory < memory else ": more than is free"
        above = f" (of its last {settings.window:,})" if need.tokens > settings.window else ""
        above += " (above ASKCIRCUIT_MAX_TOKENS)" if need.tokens > settings.max_tokens else ""
        yield (
            f"A trace of {need.tokens} tokens needs about {_gigabytes(need.memory)} of memory and "
            f"{_time(need.seconds)}; a whole answer with its tests, about {_time(answer)}{above}{verdict}."
        )
    yield f"This machine has {_gigabytes(memory)} of memory free; times are for its speed at this moment."
    disk = shutil.disk_usage(_nearest(settings.cache_folder)).free
    yield f"There are {_gigabytes(disk)} free on the disk that keeps the weights."
    short = [need.tokens for need in estimates if need.memory < memory]
    if len(short) < len(estimates):
        limit = f"give texts of at most {max(short)} tokens" if short else "take a smaller model"
        yield f"To trace with less: {limit}, lower ASKCIRCUIT_NODES, or close other programs."


def foresee_answer(settings: Settings, tokens: int, window: int) -> str:
    """What an answer about a long text will take, of whose end so many tokens are looked at: a sentence.

    Empty for a short text, and where the model's sizes are not known.
    """
    if tokens < LONG:
        return ""
    try:
        model = sizes_of(settings.model)
    except TracerError:
        return ""
    rows = rows_on(window, settings.nodes)
    seconds = model.answer_seconds(tokens, rows, speed(), window)
    need, free = model.need(tokens, rows, 1e9, window).memory, free_memory()
    looked = f" of which the last {window:,} are looked at" if tokens > window else ""
    more = "" if need < free + model.held_by_weights else f", more than the {_gigabytes(free)} that are free"
    return (
        f"A text of {tokens:,} tokens{looked}: a whole answer takes about {_time(seconds)} on this "
        f"machine and {_gigabytes(need)} of memory{more}."
    )


def _rows(settings: Settings, tokens: int) -> int:
    return rows_on(min(tokens, settings.window), settings.nodes)


def estimate_worker_memory(settings: Settings, texts: Sequence[str], workers: int) -> str:
    """What so many processes will need for these texts, against what is free, in a sentence."""
    free = _gigabytes(free_memory())
    try:
        tokens = min(settings.max_tokens, max(len(text) // 3 + 2 for text in texts))
        need = sizes_of(settings.model).need(tokens, settings.nodes, speed(), settings.window).memory
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
    told = "The set does not say what it reads and writes; assumed is:" if table.assumed else "It"
    yield (
        f"{told} reads {READS[table.reads]} ({table.reads}), writes {WRITES[table.writes]} ({table.writes})."
    )
    if table.trained_on and _plain_name(table.trained_on) != _plain_name(model.name):
        yield (
            f"Warning: the set was trained on {table.trained_on}, and the model is called {model.name}. If "
            "that is another model, the set's features mean nothing here."
        )
    if model.d_model != table.d_model or model.layers < table.layers:
        yield (
            f"They do not fit: they are for {table.layers} layers and a stream {table.d_model} wide; "
            f"{model.name} has {model.layers} layers and is {model.d_model} wide."
        )
        return
    without = [*table.missing, *range(table.layers, model.layers)]
    if table.layers < model.layers:
        yield (
            f"Warning: the set ends at layer {table.layers - 1}, the model at {model.layers - 1}: it may be "
            "for a smaller model."
        )
    if without:
        layers = ", ".join(map(str, without))
        yield f"Layers {layers} have no transcoder: what their MLPs write will be error nodes."


def check_on_text(
    settings: Settings, progress: Callable[[float], None] = lambda _done: None
) -> Iterator[str]:
    """Load the model and trace a short text: a line a finding; raises AgentError where it would be wrong.

    What has more weights than there is memory is not loaded, and that is said.
    """
    transcoders = settings.transcoders
    try:
        need = sizes_of(settings.model).need(LENGTHS[0], settings.nodes, 1e9).memory
        if need > free_memory():
            yield "The model was not loaded to be checked: it needs more memory than is free."
            return
        model = load(
            settings.model, cache=settings.cache_folder, threads=settings.threads, progress=progress
        )  # refuses what is traced wrongly
        off = check_traced(model)
        yield (
            f"Loaded, and checked on a short text: the rows of its graph add up to what they explain "
            f"({_off(off.rows)}), and replayed with nothing changed it gives its own logits again "
            f"({_off(off.replay)})."
        )
        if transcoders is None:
            return
        share = explained_by_set(model, fit_transcoders(load_transcoders(transcoders), model))
    except TracerError as exc:
        raise NotAvailable(str(exc)) from exc
    yield f"On a short English text the set rebuilds {percent(max(share, 0.0))} of what the MLPs write." + (
        " Warning: that is little; it may be of another model, or read at another place." * (share < LITTLE)
    )


def _off(share: float) -> str:
    return "off by less than 0.001 %" if share < 1e-5 else f"off by {100 * share:.2g} %"


def _plain_name(model: str) -> str:
    """What two ways to name a model have in common."""
    return model.rstrip("/").rpartition("/")[2].removesuffix(".gguf").lower().replace("_", "-")


def _nearest(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())


def _gigabytes(size: int) -> str:
    return f"{size / GIGABYTE:.1f} GB"


def _time(seconds: float) -> str:
    if seconds < 1.5:
        return "a second"
    if seconds < 100:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 6000 else f"{seconds / 3600:.0f} hours"
