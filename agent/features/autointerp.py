"""Describes all features of a subject from a corpus: evidence, labels, scores, vectors, files. Shows nothing.

The numbers are the tracer's, the words agent.features.label_text'; what was written is read back by
agent.features.catalogue.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.core import Encoder, LibraryError, Settings
from agent.features.catalogue import UNLABELLED, find_own_folder
from agent.features.label_text import LabelEvidence, write_embedded_text, write_label
from tracer import (
    Described,
    FeatureLayer,
    FeatureSet,
    NeuronSet,
    TracerError,
    TranscoderSet,
    corpus_texts,
    describe_corpus,
    fit_transcoders,
    gather_evidence,
    load,
    load_transcoders,
    quickest_dtype,
    read_features,
    write_features,
    write_vectors,
)

UNKNOWN = 255  # a score that could not be computed
DIMENSIONS = 128  # of the vectors that are kept; MiniLM has 384
VIEWS = ("token", "next", "previous")
MET = 0.3  # share of the peaks at which named tokens stand, below which a label says: and the like
SCORES = ("random", "hard", "shuffled", "output", "output_shuffled", "stands")
TOKENS_SHOWN = 8  # promoted and suppressed tokens that are kept

Progress = Callable[[float, str], None]
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Summary:
    """How well labels did on held-out text that decided nothing; means over the labelled features."""

    features: int
    labelled: float
    scored: float  # share of all features that have a label with a score against random tokens
    random: float
    hard: float
    shuffled: float
    table: float
    output: float  # over the labels that say what comes next or is promoted
    output_shuffled: float
    stands: float  # share of peaks at which a word of the label stands to the letter
    tokens: int
    parts: dict[str, int]  # tokens labels were learnt from, chosen, kept and scored by
    kinds: dict[str, int]


def describe_features(
    features: FeatureSet,
    corpus: Sequence[Path],
    work: Path,
    out: Path,
    tokens: int,
    progress: Progress = lambda _done, _note: None,
) -> Summary:
    """Run the corpus (or the rest of it), then label, score and file every feature.

    `work` holds what can be resumed, `out` the files. Raises LibraryError with one sentence.
    """
    try:
        evidence = gather_evidence(features, corpus_texts(corpus), work, tokens, progress)
        described = describe_corpus(features, evidence, progress)
        labels: list[str] = []
        layers: list[FeatureLayer] = []
        for layer in described.layers:
            labels += _labels(layer, described.classes, features.subject.token_texts)
            layers.append(layer)
        summary = _summary(layers, described)
        about = {
            "model": features.name,
            "basis": features.basis,
            "layers": features.subject.layers,
            "neurons": features.width,
            "tokens": described.tokens,
            "corpus": evidence.windows.fingerprint,
            "sources": evidence.windows.sources,
            "parts": described.parts,
            "kinds": sorted(summary.kinds),
            "summary": {k: v for k, v in asdict(summary).items() if isinstance(v, float)},
        }
        write_features(out, about, labels, _arrays(layers, sorted(summary.kinds)), _contexts(layers))
        embed_labels(out, progress)
    except (TracerError, OSError) as exc:
        raise LibraryError(f"The features could not be described: {exc}") from exc
    return summary


def describe_model(
    settings: Settings,
    corpus: Sequence[Path],
    tokens: int,
    work: Path | None = None,
    out: Path | None = None,
    progress: Progress = lambda _done, _note: None,
) -> tuple[Summary, Path]:
    """Load the model that is set, in bfloat16 where the processor has it, and describe its features.

    These are its neurons, or those of the transcoder set that is set. Without `out` the descriptions go where
    the catalogue looks first. Returns the folder they are in.
    """
    try:
        for path in corpus:  # before the model is loaded for nothing
            next(corpus_texts([path]), None)
        features = feature_set(settings)
    except TracerError as exc:
        raise LibraryError(str(exc)) from exc
    out = out or find_own_folder(settings.data_folder, features.name)
    work = work or settings.cache_folder / "evidence" / out.name
    return describe_features(features, corpus, work, out, tokens, progress), out


def feature_set(settings: Settings) -> FeatureSet:
    """The model that is set, loaded, and its features; raises TracerError where it cannot be."""
    subject = load(
        settings.model, cache=settings.cache_folder, dtype=quickest_dtype(), threads=settings.threads
    )
    if settings.transcoders is None:
        return NeuronSet(subject)
    return TranscoderSet(subject, fit_transcoders(load_transcoders(settings.transcoders), subject))


def embed_labels(folder: Path, progress: Progress = lambda _done, _note: None) -> None:
    """Vectors of the distinct labels of a folder of descriptions, written beside them.

    They are MiniLM's, turned onto the DIMENSIONS directions that hold most of them, in 8 bits each. A label
    that names tokens has the mean of theirs: there are fewer tokens than labels, and they are short.
    """
    known = read_features(folder)
    sentences: dict[tuple[str, ...], int] = {}
    row = np.full(len(known.labels), -1, np.int32)
    for number, text in enumerate(known.labels):
        if text != UNLABELLED:
            row[number] = sentences.setdefault(write_embedded_text(text), len(sentences))
    words: dict[str, int] = {}
    for sentence in sentences:
        for word in sentence:
            words.setdefault(word, len(words))
    encoder, every = Encoder.open(), list(words)
    chunks = []
    for start in range(0, len(every), 1024):
        chunks.append(encoder.encode(every[start : start + 1024]))
        progress(start / max(1, len(every)), "embedding labels")
    alone = np.concatenate(chunks)
    vectors = np.stack([alone[[words[word] for word in sentence]].mean(0) for sentence in sentences])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
    _, basis = np.linalg.eigh(vectors.T @ vectors)
    basis = basis[:, ::-1][:, :DIMENSIONS].T
    turned = vectors @ basis.T
    scale = np.abs(turned).max(0) / 127 + 1e-12
    write_vectors(
        folder,
        {
            "row": row,
            "codes": np.round(turned / scale).astype(np.int8),
            "scale": scale.astype(np.float32),
            "basis": basis.astype(np.float16),
        },
    )


def _labels(
    layer: FeatureLayer, classes: Sequence[tuple[str, str]], texts: Callable[[list[int]], list[str]]
) -> list[str]:
    """The labels of a layer; `classes` are (whose class, its name). The rest is unlabelled."""
    found, out = layer.findings, []
    told = {view: ids.tolist() for view, ids in {**found.words.ids, "promotes": found.promotes}.items()}
    member, raises = found.words.member.tolist(), found.raises.tolist()
    for feature, kind in enumerate(found.kind.tolist()):
        names = {view: texts([i for i in ids[feature] if i >= 0]) for view, ids in told.items()}
        groups = [classes[i] for i in member[feature] if i >= 0]
        named = (names["token"], names["next"], names["previous"], names["promotes"])
        loose = [view for view, share in zip(VIEWS, found.met[:, feature], strict=True) if share < MET]
        out.append(write_label(LabelEvidence(kind, *named, groups, raises[feature], loose)))
    return out


def _summary(layers: Sequence[FeatureLayer], described: Described) -> Summary:
    kind = np.concatenate([layer.findings.kind for layer in layers])
    random = np.concatenate([layer.findings.random for layer in layers])

    def mean(name: str) -> float:
        scores = np.concatenate([getattr(layer.findings, name) for layer in layers])
        return float(np.nanmean(scores)) if (~np.isnan(scores)).any() else float("nan")

    names, counts = np.unique(kind, return_counts=True)
    return Summary(
        features=len(kind),
        labelled=float((kind != UNLABELLED).mean()),
        scored=float((~np.isnan(random)).mean()),
        **{name: mean(name) for name in SCORES},
        table=mean("table"),
        tokens=described.tokens,
        parts=described.parts,
        kinds=dict(zip(names.tolist(), counts.tolist(), strict=True)),
    )


def _arrays(layers: Sequence[FeatureLayer], kinds: Sequence[str]) -> Arrays:
    """What `labels` holds beside the words, one row a feature (promoted tokens: a neuron)."""
    kind = np.concatenate([layer.findings.kind for layer in layers])
    histogram = np.concatenate([layer.histogram for layer in layers])
    return {
        "kind": np.array([kinds.index(k) for k in kind.tolist()], np.uint8),
        **{
            name: _byte(np.concatenate([getattr(layer.findings, name) for layer in layers]))
            for name in ("random", "hard", "table", "output", "stands")
        },
        "peak": np.concatenate([layer.peak for layer in layers]).astype(np.float16),
        "density": np.concatenate([layer.density for layer in layers]).astype(np.float16),
        "up": np.concatenate([layer.up[0::2, :TOKENS_SHOWN] for layer in layers]).astype(np.int32),
        "down": np.concatenate([layer.down[0::2, :TOKENS_SHOWN] for layer in layers]).astype(np.int32),
        "nearest": np.concatenate([layer.nearest for layer in layers]).astype(np.int32),
        "cosine": _byte(np.concatenate([layer.cosine for layer in layers])),
        "histogram": np.round(8 * np.log2(1 + histogram)).astype(np.uint8),
    }


def _contexts(layers: Sequence[FeatureLayer]) -> Arrays:
    """Contexts apart from the rest: they are three quarters of everything."""
    return {
        "tokens": np.concatenate([layer.contexts for layer in layers]).astype(np.int32),
        "activation": np.concatenate([layer.activations for layer in layers]).astype(np.float16),
        "source": np.concatenate([layer.sources for layer in layers]).astype(np.uint8),
    }


def _byte(scores: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A score of 0 to 1 in hundredths, UNKNOWN where there is none."""
    return np.where(np.isnan(scores), UNKNOWN, np.round(100 * np.nan_to_num(scores))).astype(np.uint8)
