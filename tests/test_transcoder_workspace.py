"""Whole conversations on transcoder features: the neurons' story where they are neurons, honest where not."""

import json
from collections import Counter

import pytest
import torch
import yaml
from frozen_reference import own_precision
from safetensors.torch import save_file
from tests_support import relu_subject, save_own_mlps
from tolerance import LOGITS, SHARPENED, near

from agent import AgentError, AnswerText, Failed, ReportReady, Session, export_trace, read_settings
from agent.features.external_labels import read_rows
from agent.features.label_log import Description
from agent.features.label_store import Library
from agent.suites.baseline_scores import baseline_claims
from agent.suites.schema import SuiteCase
from agent.workspace.workspace import Workspace, open_workspace
from tracer import fit_transcoders, load_transcoders, parse_graph

TEXT, OTHER = "w5 w9 w33 w2 w71 w8", "w5 w9 w60 w2 w71 w8"
OWN = {"size": LOGITS, "dtype": torch.float64}  # the tiny model is one in float64
VERDICTS = {"supported", "partly", "refuted", "inconclusive"}


def desk_of(subject, folder, where=None):
    settings = read_settings(data_dir=folder / "data", transcoders=where, controls=19, nodes=5000)
    given = None if where is None else fit_transcoders(load_transcoders(str(where)), subject)
    return Workspace(settings, subject, Library.open(settings.data_folder / "library"), given)


def say(session, message, **more):
    events = list(session.ask(message, **more))
    return "".join(
        e.text if isinstance(e, AnswerText) else e.why for e in events if isinstance(e, AnswerText | Failed)
    )


@pytest.fixture(scope="module")
def workspaces(tmp_path_factory):
    """One workspace on a tiny model's neurons, one on transcoders that are its MLPs."""
    subject, folder = relu_subject(), tmp_path_factory.mktemp("desks")
    save_own_mlps(subject, folder / "own-mlps")
    with own_precision(subject.model):
        both = [desk_of(subject, folder / "n"), desk_of(subject, folder / "t", str(folder / "own-mlps"))]
        yield both
        for workspace in both:
            workspace.close()


@pytest.fixture(scope="module")
def reports(workspaces):
    events = [list(Session(workspace, "first").ask("", text=TEXT)) for workspace in workspaces]
    return [next(e.report for e in some if isinstance(e, ReportReady)) for some in events]


def test_every_claim_of_the_answer_agrees_with_the_neurons(reports):
    neurons, features = reports
    assert features["graph"]["basis"] == "transcoders"
    assert neurons["tests_run"] == features["tests_run"] > 0
    names = ("name", "kind", "share", "effect", "position", "layers", "raises")
    for mine, theirs in zip(features["supernodes"], neurons["supernodes"], strict=True):
        assert [m["feature"] for m in mine["members"]] == [m["feature"] for m in theirs["members"]]
        for name in names:
            wanted = theirs[name]
            measured = name in ("share", "effect")
            assert mine[name] == (near(wanted, SHARPENED, **OWN) if measured else wanted)
    effects = [[c for c in r["claims"] if c["kind"] == "effect"] for r in (features, neurons)]
    for mine, theirs in zip(*effects, strict=True):
        for name in ("predicted", "predicted_frozen", "predicted_exact", "measured"):
            assert mine[name] == near(theirs[name], SHARPENED, **OWN)
        assert mine["controls"]["n"] == 19
        assert [k["measured"] for k in mine["knock_on"]] == near(
            [k["measured"] for k in theirs["knock_on"]], SHARPENED, **OWN
        )
    assert features["path"] == neurons["path"]


def test_the_answer_speaks_of_features_and_errors(reports):
    said = reports[1]["answer"]["markdown"]
    assert "what the transcoders leave over" in said
    assert "neurons" not in said
    assert reports[1]["answer"]["refused"] == []


def test_follow_ups_work_on_features(workspaces, reports):
    session = Session(workspaces[1], "first")
    group = reports[1]["supernodes"][0]
    assert "Removing S1" in say(session, "remove S1")
    assert "Scaling S1" in say(session, "double S1")
    member = next(n["id"] for n in session.last_drawing()["nodes"] if n["supernode"] == group["id"])
    assert f"the feature {member}" in say(session, f"what does {member} do?").replace("\\", "")
    said = say(session, "swap w33 for w60")
    assert "features at “w33” their values from “w5 w9 w60" in said
    assert "The model then says" in said
    assert "not tested" in say(session, "how does w33 reach the last token?")
    assert "Verdicts" in say(session, "are you sure?")
    assert workspaces[1].search("promotes w9", 3)[0]["id"].startswith("tiny-relu with own-mlps/L")
    assert workspaces[1].about()["features"] == "own-mlps"


def claims_of(workspace, thread, *messages, text=TEXT):
    """The claims of the last of these messages, on a conversation of their own."""
    session = Session(workspace, thread)
    words = ""
    for index, message in enumerate(messages):
        words = say(session, message, **({"text": text} if index == 0 else {}))
    return session._state()["claims"], words


def test_a_change_that_makes_it_say_another_token_is_found_among_features(workspaces):
    wanted = workspaces[0].study(TEXT).predictions(3)[2].token
    found = [claims_of(workspace, "make", f"What would make it say {wanted}?") for workspace in workspaces]
    both = [[c for c in claims if c.get("repair")] for claims, _ in found]
    assert len(both[0]) == len(both[1]) > 0
    for mine, theirs in zip(*both, strict=True):
        assert mine["intervention"]["factor"] == theirs["intervention"]["factor"]
        assert len(mine["members"]) == len(theirs["members"])
        assert mine["measured"] == near(theirs["measured"], SHARPENED, **OWN)
        assert theirs["says"][0]["token"] == wanted
        assert all(".F" in member for member in theirs["members"])
    assert "The smallest change found" in found[1][1]
    assert "neurons" not in found[1][1]


def test_a_group_of_features_is_carried_to_another_text(workspaces, reports):
    found = [
        claims_of(workspace, "holds", "", f"Compare it with '{OTHER}'", f"Does it hold for '{OTHER}'?")[0]
        for workspace in workspaces
    ]
    for claims in found:
        (claim,) = [c for c in claims if c["kind"] == "comparison"]
        assert claim["other"]["text"] == OTHER
    rates = [[c for c in claims if c["kind"] == "rate"] for claims in found]
    assert len(rates[0]) == len(rates[1]) > 0


def test_baselines_guess_and_are_scored_on_features(workspaces):
    case = SuiteCase(id="t", text=TEXT)
    scored = baseline_claims(workspaces[1], case)
    assert {c["verdict"] for claims in scored.values() for c in claims} <= VERDICTS
    for claims in scored.values():
        assert claims
        assert all(".F" in member for c in claims for member in c["members"])
        assert all(c["controls"]["n"] <= 19 and c["p"] > 0 for c in claims)


def test_heads_carry_what_they_carry_for_neurons(workspaces, reports):
    views = [Session(workspace, "first").last_drawing() for workspace in workspaces]
    heads = [[e.get("heads") for e in view["superedges"] if e.get("heads")] for view in views]
    assert len(heads[0]) == len(heads[1]) > 0
    for mine, theirs in zip(*heads, strict=True):
        assert [(h["layer"], h["head"]) for h in mine] == [(h["layer"], h["head"]) for h in theirs]


def test_a_graph_file_holds_true_feature_numbers(workspaces, reports, tmp_path):
    export_trace(workspaces[1], TEXT, tmp_path / "graph.json")
    graph = parse_graph((tmp_path / "graph.json").read_bytes())
    assert graph.details["transcoder_list"] == ["own-mlps"]
    ids = {
        f"L{m['layer']}.F{m['feature']}@{m['position']}"
        for g in reports[1]["supernodes"]
        for m in g["members"]
    }
    assert ids <= {graph.name(n) for n in graph.nodes if n.kind == "feature"}
    assert {m for group in graph.groups for m in group.members} <= set(graph.pinned)
    assert len(graph.groups) == len(reports[1]["supernodes"])


def test_a_conversation_from_neurons_is_not_mixed_with_features(workspaces, reports):
    session = Session(workspaces[1], "mixed")
    session._keep(Session(workspaces[0], "first")._state())
    assert "transcoder feature" in say(session, "remove S1")


@pytest.fixture(scope="module")
def random_set(tmp_path_factory):
    """Transcoders for the tiny model that were never trained."""
    folder, random = tmp_path_factory.mktemp("random") / "untrained", torch.Generator().manual_seed(0)
    folder.mkdir()
    hooks = {"feature_input_hook": "mlp.hook_in", "feature_output_hook": "hook_mlp_out"}
    (folder / "config.yaml").write_text(yaml.safe_dump({"model_kind": "transcoder_set", **hooks}))
    for layer in range(4):
        own = {name: torch.randn(64, 32, generator=random) / 32**0.5 for name in ("W_enc", "W_dec")}
        save_file(
            {**own, "b_enc": torch.full((64,), -2.0), "b_dec": torch.zeros(32)},
            folder / f"layer_{layer}.safetensors",
        )
    return folder


def test_transcoders_that_explain_nothing_end_honestly(random_set, tmp_path):
    workspace = desk_of(relu_subject(), tmp_path, str(random_set))
    try:
        session = Session(workspace, "random")
        events = list(session.ask("", text=TEXT))
        report = next(e.report for e in events if isinstance(e, ReportReady))
        assert report["tests_run"] == 0
        assert 1 - report["graph"]["replacement"] > 0.6
        said = report["answer"]["markdown"]
        assert report["log"][-1]["why"] == (
            "no tests: errors hold most of the influence: the graph explains too little"
        )
        assert "This graph explains too little to say why" in said
        assert "No group of its features was tested" in said
        assert "What carries" not in said
        assert report["answer"]["refused"] == []
        json.dumps(report, allow_nan=False)
    finally:
        workspace.close()


def test_a_set_that_is_not_there_is_told_before_the_model_is_loaded(cache_folder, tmp_path):
    settings = read_settings(cache_dir=cache_folder, data_dir=tmp_path, transcoders="nobody/none")
    with pytest.raises(AgentError, match="nobody/none"):
        open_workspace(settings)


def test_features_say_when_they_are_described_from_this_text_alone_and_use_what_was_imported(
    workspaces, reports
):
    members = [m for group in reports[1]["supernodes"] for m in group["members"]]
    assert members
    assert all(m["label"].endswith("(from this text alone)") for m in members)
    workspace, first = workspaces[1], members[0]
    rows = [{"layer": first["layer"], "index": first["feature"], "description": "words for rivers"}]
    file = workspace.settings.data_folder / "told.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    place = f"{workspace.features_of}/L{first['layer']}.F{first['feature']}"
    (row,) = read_rows(file, Counter())
    where = (first["layer"], first["feature"], "+")
    workspace.library.put([Description(place, workspace.features_of, *where, row.label, row.source, (), ())])
    again = next(
        e.report for e in Session(workspace, "told").ask("", text=TEXT) if isinstance(e, ReportReady)
    )
    labels = {(m["layer"], m["feature"]): m["label"] for g in again["supernodes"] for m in g["members"]}
    assert labels[first["layer"], first["feature"]].startswith("words for rivers (here it fires on ")
    others = [label for place, label in labels.items() if place != (first["layer"], first["feature"])]
    assert all(label.endswith("(from this text alone)") for label in others)
