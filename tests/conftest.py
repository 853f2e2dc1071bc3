"""What all tests share: no network, one real subject a run, tiny subjects of every family."""

import os

# Before torch is imported: idle threads must sleep, and nothing may look for a hub.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("LANGSMITH_TRACING", "false")

import ipaddress
import json
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests_support import FAMILIES, PLAIN

if TYPE_CHECKING:
    from agent import Workspace
    from tests.planted.circuits import Planted
    from tracer import Model

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
HERE = Path(__file__).parent
PLACE = pytest.StashKey[int]()
LONGEST = (  # what runs in one worker, longest first
    *("desk", "page", "test_decisions.py", "test_abilities.py", "test_suite.py", "test_keep.py"),
    *("test_planted.py", "test_cases.py", "test_transcoder_workspace.py", "test_questions.py"),
    *("test_rooms.py", "test_embedded.py", "test_go_on.py", "test_library.py", "test_hosting.py"),
    "test_estimate.py",
)


def is_loopback(host: object) -> bool:
    """Tell whether an address stays on this machine; a name that is not an address does not."""
    if not host or host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(str(host))
        return address.is_loopback or address.is_unspecified
    except ValueError:
        return False


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell which tests run in one worker: all that ask the desk, all that do so on its page, others by file.

    The longest are begun first, so that two workers end at about the same time.
    """
    place = {name: at for at, name in enumerate(LONGEST)}
    for item in items:
        used = getattr(item, "fixturenames", ())
        group = ("page" if item.path.parent.name == "browser" else "desk") if "desk" in used else ""
        item.add_marker(pytest.mark.xdist_group(group or str(item.path.relative_to(HERE))))
        item.stash[PLACE] = place.get(group or item.path.name, len(place))
    items.sort(key=lambda item: item.stash[PLACE])


@pytest.fixture(scope="session", autouse=True)
def calls_out() -> Iterator[list[str]]:
    """Refuse every connection that would leave this machine, and list the attempts."""
    attempts: list[str] = []

    def guarded(real: Callable[..., Any]) -> Callable[..., Any]:
        def connect(self: socket.socket, address: Any, *rest: Any) -> Any:
            if self.family in {socket.AF_INET, socket.AF_INET6} and not is_loopback(address[0]):
                attempts.append(str(address))
                raise ConnectionRefusedError(f"the tests are offline; {address} was wanted")
            return real(self, address, *rest)

        return connect

    def resolve(host: Any, *rest: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if not is_loopback(name):
            attempts.append(str(name))
            raise socket.gaierror(f"the tests are offline; {name} was wanted")
        return getaddrinfo(host, *rest, **more)

    getaddrinfo = socket.getaddrinfo
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
        patch.setattr(socket, "getaddrinfo", resolve)
        yield attempts


@pytest.fixture(autouse=True)
def offline(calls_out: list[str]) -> Iterator[None]:
    """Fail the test that tried to leave, even where the code swallowed the refusal."""
    before = len(calls_out)
    yield
    assert not calls_out[before:], f"this test tried to reach {calls_out[before:]}"


@pytest.fixture(scope="session")
def cache_folder() -> Path:
    """The user's own cache, so that the embedded model is unpacked once and not once a run."""
    from agent.core.settings import Settings

    return Settings().cache_folder


@pytest.fixture(scope="session")
def embedded_subject(cache_folder: Path) -> "Model":
    """The real embedded model, loaded once a run."""
    from tracer import load

    return load("embedded", cache=cache_folder)


@pytest.fixture(scope="session")
def desk(embedded_subject: "Model", tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Workspace]":
    """A workspace of the real model for all tests of a worker: what one finds on a text the next one knows.

    Ask about "Texas, whose capital is" where any text does: the first answer takes a minute, others seconds.
    """
    from agent import read_settings
    from agent.features.label_store import Library
    from agent.workspace.workspace import Workspace

    folder = tmp_path_factory.mktemp("desk")
    with Workspace(
        read_settings(data_dir=folder), embedded_subject, Library.open(folder / "library")
    ) as desk:
        yield desk


@pytest.fixture(scope="module")
def quick_desk(desk: "Workspace") -> "Iterator[Workspace]":
    """The same with nineteen controls a test."""
    from agent import read_settings

    plain = desk.settings
    desk.settings = read_settings(data_dir=plain.data_dir, controls=19)
    yield desk
    desk.settings = plain


@pytest.fixture(scope="session")
def plain_desk(embedded_subject: "Model", tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Workspace]":
    """The real model before its lens has been fitted: no concept is read or tested, only words and groups.

    For what is about groups on texts of their own; much of an answer's time is for concepts.
    """
    from agent import read_settings
    from agent.features.label_store import Library
    from agent.workspace.workspace import Workspace

    class WithoutLens(Workspace):
        def lens(self) -> None:
            return None

        @property
        def lens_note(self) -> str:
            return "Concepts cannot be read yet."

        def wait_for_lens(self, *_progress: Any) -> None:
            return

    folder = tmp_path_factory.mktemp("plain-desk")
    settings = read_settings(data_dir=folder)
    with WithoutLens(settings, embedded_subject, Library.open(folder / "library")) as desk:
        yield desk


@pytest.fixture(scope="session")
def planted_desk(planted_subject: "Model", tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Workspace]":
    """A workspace of the planted model, for what is the same with any model."""
    from agent import read_settings
    from agent.features.label_store import Library
    from agent.workspace.workspace import Workspace

    folder = tmp_path_factory.mktemp("planted-desk")
    settings = read_settings(data_dir=folder, controls=19)
    with Workspace(settings, planted_subject, Library.open(folder / "library")) as desk:
        desk.wait_for_lens()  # whether there is one is said in an answer
        yield desk


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> "Planted":
    """A model of which the circuit is known, in a folder: a whole why takes it a second or less."""
    from tests.planted import circuits

    return circuits.lookup(tmp_path_factory.mktemp("planted") / "model", "gpt2")


@pytest.fixture(scope="session")
def planted_subject(planted: "Planted", cache_folder: Path) -> "Model":
    """The same, loaded."""
    from tracer import load

    return load(str(planted.folder), cache=cache_folder)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Debian's Chromium; absent, a browser test is skipped on a laptop and fails in CI."""
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if found:
        return found
    if os.environ.get("CI"):
        pytest.fail("chromium is not installed; .ci/run installs it")
    pytest.skip("needs Chromium: apt-get install chromium")


@pytest.fixture(scope="session")
def tiny() -> Callable[..., Any]:
    """Return a maker of small random decoders: tiny("gemma3") is one in float64."""
    return build_tiny


@pytest.fixture(scope="session")
def made_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred documents of random words; w7 is always followed by w8."""
    import numpy as np

    path = tmp_path_factory.mktemp("corpus") / "words.jsonl"
    dice = np.random.default_rng(0)
    with path.open("w") as file:
        for _ in range(200):
            words = [f"w{i}" for i in dice.integers(0, 97, 600)]
            text = " ".join(f"{w} w8" if w == "w7" else w for w in words)
            file.write(json.dumps({"text": text, "source": "made"}) + "\n")
    return path


@pytest.fixture(scope="session")
def gathered_tiny(
    tiny: Callable[..., Any], made_corpus: Path, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """A tiny subject and its evidence, the pass stopped after one shard and taken up again."""
    from tests_support import tiny_subject

    from tracer.autointerp.activation_evidence import gather_evidence
    from tracer.autointerp.feature_sets import NeuronSet
    from tracer.autointerp.windows import corpus_texts

    subject = tiny_subject(tiny, "gemma3")
    folder = tmp_path_factory.mktemp("evidence")

    def stop(done: float, _note: str) -> None:
        if done > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gather_evidence(NeuronSet(subject), corpus_texts([made_corpus]), folder, 100_000, stop)
    assert len(list(folder.glob("shard-*"))) == 1
    notes: list[str] = []
    evidence = gather_evidence(
        NeuronSet(subject),
        corpus_texts([made_corpus]),
        folder,
        100_000,
        lambda _done, note: notes.append(note),
    )
    assert len(notes) == len(evidence.shards) - 1 == 1  # what was done is not done again
    assert "minutes left" in notes[0]
    return subject, evidence


def build_tiny(family: str, layers: int = 4, width: int = 32, seed: int = 0) -> Any:
    """Build a decoder whose every gain, bias and weight is far from the identity."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = tiny_decoder(family, layers, width).to(torch.float64).eval()
    generator = torch.Generator().manual_seed(seed + 1)
    gain = 0.0 if family.startswith("gemma") else 1.0  # gemma's norms add 1 to their weight
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if weights.ndim > 1:
                weights.mul_(4.0)
                continue
            is_gain = name.endswith("weight") and ("norm" in name or "ln" in name)
            weights.copy_(torch.rand(weights.shape, generator=generator) - 0.5 + gain * is_gain)
    return model.requires_grad_(False)


def tiny_decoder(family: str, layers: int, width: int) -> Any:
    """Make one decoder of the family as transformers initialises it."""
    import transformers as hf

    eager = {"attn_implementation": "eager", "vocab_size": 97}
    if family == "gpt2":
        sizes = {"n_embd": width, "n_layer": layers, "n_head": 4, "n_positions": 64}
        no_tokens = {"bos_token_id": None, "eos_token_id": None}  # gpt2's own are beyond 96
        return hf.GPT2LMHeadModel(hf.GPT2Config(**eager, **sizes, **no_tokens))
    common = {
        **eager,
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "intermediate_size": 3 * width,
        "max_position_embeddings": 64,
    }
    if family in PLAIN:
        name, more = PLAIN[family]
        return getattr(hf, f"{name}ForCausalLM")(getattr(hf, f"{name}Config")(**common, **more))
    gemma = {**common, "head_dim": 16, "sliding_window": 5, "query_pre_attn_scalar": 16}
    match family:
        case "gemma3":
            kinds = ["sliding_attention", "full_attention"] * layers
            config = hf.Gemma3TextConfig(
                **gemma, num_key_value_heads=1, layer_types=kinds[:layers], tie_word_embeddings=True
            )
            return hf.Gemma3ForCausalLM(config)
        case "gemma2" | "gemma2 capped":
            caps = {
                "final_logit_softcapping": 2.0 if "capped" in family else None,
                "attn_logit_softcapping": 50.0,
            }
            return hf.Gemma2ForCausalLM(hf.Gemma2Config(**gemma, **caps, num_key_value_heads=2))
    raise ValueError(f"no tiny {family!r}; there are {', '.join(FAMILIES)}")
