"""Folders and files that hold no model, whatever their names say: pointers, web pages, adapters, nothing."""

from pathlib import Path

from tracer.errors import ModelError

POINTER = b"version https://git-lfs"
BEGINNING = 64  # bytes that tell


def check_folder_is_model(model: str, folder: Path) -> None:
    """Refuse a folder that holds no model, or files that were not downloaded; a hub id is left alone."""
    if not folder.is_dir():
        return
    if not (folder / "config.json").exists():
        raise ModelError(f"The folder {model!r} holds {_what_instead(folder)}")
    weights = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("pytorch_model*.bin"))
    for path in (folder / "config.json", folder / "tokenizer.json", *weights):
        check_downloaded(path)


def check_downloaded(path: Path) -> None:
    """Refuse a file that stands for one that was not downloaded; one that is not there is left alone."""
    try:
        with path.open("rb") as file:
            start = file.read(BEGINNING)
    except OSError:
        return
    if start.startswith(POINTER):
        what = (
            "a pointer of Git LFS and not the file itself: run 'git lfs pull' in its folder, or download it"
        )
    elif start.lstrip()[:1] == b"<":
        what = "a web page and not the file itself: download it"
    elif not start:
        what = "empty, so it is damaged: download it"
    else:
        return
    raise ModelError(f"The file {str(path)!r} is {what} again.")


def _what_instead(folder: Path) -> str:
    if (folder / "adapter_config.json").exists():
        return (
            "an adapter (adapter_config.json) and no model: merge it into the model that it was made for, "
            "and give the folder of that."
        )
    files = sorted(path.name for path in folder.glob("*.gguf"))
    if files:
        return f"no config.json, but a GGUF file: give {str(folder / files[0])!r}."
    return "no config.json: it is no model as transformers saves them."
