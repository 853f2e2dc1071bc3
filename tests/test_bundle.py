"""Bundles: what is kept of an answer, opened again, replayed, and refused when broken or dishonest."""

import gzip
import json

import pytest

from agent import AgentError, Session, collect_report, read_bundle
from agent.answers.bundle import escape_message


@pytest.fixture(scope="module")
def workspace(quick_desk):
    return quick_desk


@pytest.fixture(scope="module")
def bundle(workspace):
    session = Session(workspace, "kept")
    collect_report(session.ask("", text="Texas, whose capital is", said="Austin", foil="Houston"))
    return session.bundle()


def test_a_bundle_is_written_read_and_is_the_same(bundle, tmp_path):
    for name in ("a.json", "deep/a.json.gz"):
        bundle.save(tmp_path / name)
        assert read_bundle(tmp_path / name) == bundle
    assert read_bundle(tmp_path / "a.json").id == bundle.id
    assert (tmp_path / "deep" / "a.json.gz").stat().st_size < 150_000


def test_a_path_may_be_a_string(bundle, tmp_path):
    bundle.save(str(tmp_path / "kept.json.gz"))
    assert read_bundle(str(tmp_path / "kept.json.gz")).id == bundle.id
    with pytest.raises(AgentError, match=r"The bundle '.*none.json' cannot be read: No such file or dir"):
        read_bundle(tmp_path / "none.json")


def test_a_bundle_replays_without_a_model(bundle):
    assert bundle.replay() == []


def altered(bundle, change):
    raw = json.loads(bundle.text())
    change(raw)
    return read_bundle(json.dumps(raw).encode())


def claim_of(raw):
    return next(c for c in raw["kept"]["claims"] if c["kind"] == "effect" and c.get("p") is not None)


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: claim_of(raw).update(p=0.001),
        lambda raw: claim_of(raw).update(verdict="refuted"),
        lambda raw: claim_of(raw).update(measured=claim_of(raw)["measured"] * 2),
        lambda raw: claim_of(raw)["controls"].update(values=[9.0] * 19),
        lambda raw: raw["kept"]["reply"]["sentences"][0].update(text="It is certain."),
        lambda raw: raw["kept"]["reply"].update(markdown="Because I say so."),
        lambda raw: raw["report"]["claims"].pop() and raw["report"]["claims"][0].update(text="no"),
        lambda raw: raw["drawing"]["supernodes"][0].update(verdict="refuted", measured=9.0),
        lambda raw: claim_of(raw).update(controls=None),
    ],
)
def test_a_changed_bundle_does_not_replay(bundle, change):
    assert altered(bundle, change).replay()


def test_a_claim_that_is_none_of_its_kind_is_refused(bundle):
    with pytest.raises(AgentError, match=r"The bundle is broken at kept\.claims\.\d+\.effect\.knock_on"):
        altered(bundle, lambda raw: claim_of(raw).update(knock_on="nothing"))


def test_a_conversation_goes_on_from_a_bundle(workspace, bundle):
    session = Session(workspace, "opened")
    session.open(bundle)
    assert session.history() == bundle.history
    assert session.last_drawing() == bundle.drawing.plain()
    said = "".join(getattr(e, "text", "") for e in session.ask("Remove S1."))
    assert "after Holm" in said
    assert session.bundle().replay() == []


def test_a_bundle_of_another_model_is_not_opened(workspace, bundle):
    other = altered(bundle, lambda raw: raw["report"].update(model="another"))
    with pytest.raises(AgentError, match="about another"):
        Session(workspace, "other").open(other)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x04K\x01.",
        b"[" * 100_000,
        b'{"format": "askcircuit-bundle"}',
        b'{"format": "askcircuit-bundle", "version": NaN}',
        b'{"nodes": []}',
        gzip.compress(b"{}")[:-9],
        gzip.compress(b" " * (65 * 2**20)),
    ],
    ids=["empty", "pickle", "deep", "bare", "NaN", "graph", "cut off", "large"],
)
def test_what_is_no_bundle_is_refused_in_a_sentence(data):
    with pytest.raises(AgentError, match=r"^The (bundle|file) .*\.$"):
        read_bundle(data)


def test_missing_parts_are_named(bundle):
    with pytest.raises(AgentError, match=r"case\.answer"):
        altered(bundle, lambda raw: raw["kept"]["case"].pop("answer"))


def test_nothing_to_keep_before_an_explanation(workspace):
    with pytest.raises(AgentError, match="no explanation"):
        Session(workspace, "empty").bundle()


def test_words_of_a_bundle_cannot_become_markup(bundle):
    evil = "- **In short.** see ![x](http://a/b.png) <img src=x> [y](//z) **b**"
    out = escape_message({"role": "assistant", "content": evil})["content"]
    assert out.startswith("- **In short.** see \\!\\[x\\]")
    assert "<" not in out.replace("\\<", "")
    assert "**b**" not in out
    assert bundle.history == [m.model_dump(exclude_defaults=True) for m in bundle.kept.history]
