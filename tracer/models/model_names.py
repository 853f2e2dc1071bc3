"""What a model is called, without loading it. Imports nothing heavy."""

from pathlib import Path

from tracer.models.packaged import packaged_gguf

EMBEDDED = "embedded"
EMBEDDED_NAME = "gemma-3-270m"


def name_of(model: str) -> str:
    """What the subject is called, without loading or looking for it."""
    if model == EMBEDDED:
        return EMBEDDED_NAME
    packaged = packaged_gguf(model)
    path = Path(model).expanduser()
    if packaged is not None or path.suffix == ".gguf":
        return (packaged or path).stem
    return path.resolve().name if path.is_dir() else model
