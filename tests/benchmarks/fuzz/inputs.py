"""What a week of real users might bring: strategies for texts, models, files, suites, calls and replies."""

import copy
import json
import math
from typing import Any

from hypothesis import strategies as st

PIECES = (
    *(
        "Texas, whose capital is",
        "The",
        " ",
        "  ",
        "\n",
        "\t",
        "\\n",
        "🤷",
        "👨‍👩‍👧",
        "海の海",
        "مرحبا",
        "é",
        "e\u0301",
    ),
    *(
        "<bos>",
        "<s>",
        "<|endoftext|>",
        "<|im_start|>",
        "<0xF0>",
        "\u200b",
        "\u202e",
        "\x00",
        "\x1b[31m",
        "\ufeff",
    ),
    *(
        "95, not 94",
        '"',
        "'",
        "`",
        "why",
        "S1",
        "$x",
        "{}",
        "%s",
        "<script>",
        "]]>",
        "\r\n",
        "\x85",
        "\u2028",
    ),
    *("San Francisco", "Why does 'x' say Y rather than Z?", "remove S1", "replace Texas by Georgia"),
)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TEXTS = st.lists(st.sampled_from(PIECES) | WORDS, min_size=1, max_size=8).map("".join)
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 9),
    st.sampled_from([10**9, -(10**9), 2**63, 10**400, 0.5, -1.0]),
    st.sampled_from([math.nan, math.inf, 1e308, "", "x", "4", "nan", [], {}, [1], {"a": 1}, "é🤷", [[]] * 3]),
    TEXTS,
)  # fmt: skip
EDITS = (  # fields of a config, and what people and tools put there
    *(("output_attentions", True), ("output_hidden_states", True), ("return_dict", False)),
    *(("use_return_dict", False), ("use_cache", False), ("torchscript", True), ("dtype", "bfloat16")),
    *(("dtype", "float8_e4m3fn"), ("dtype", "int8"), ("dtype", "banana"), ("model_type", None)),
    *(("model_type", "bert"), ("model_type", "mamba"), ("model_type", "mixtral"), ("model_type", "phi3")),
    *(
        ("architectures", None),
        ("architectures", ["LlamaForSequenceClassification"]),
        ("tie_word_embeddings", True),
    ),
    *(
        ("hidden_act", "relu"),
        ("hidden_act", "gelu_new"),
        ("hidden_act", "quick_gelu"),
        ("hidden_act", "none"),
    ),
    *(
        ("num_hidden_layers", 1),
        ("num_hidden_layers", 9),
        ("num_hidden_layers", 10**9),
        ("num_hidden_layers", 0),
    ),
    *(("hidden_size", 10**9), ("vocab_size", 10**12), ("vocab_size", 96), ("intermediate_size", 95)),
    *(("num_attention_heads", 2), ("num_attention_heads", 5), ("num_attention_heads", 0)),
    *(
        ("num_key_value_heads", 1),
        ("num_key_value_heads", 3),
        ("head_dim", 8),
        ("head_dim", 7),
        ("head_dim", 6.0),
    ),
    *(("rms_norm_eps", 0.1), ("rms_norm_eps", 0), ("rms_norm_eps", "1e-5"), ("layer_norm_eps", 0.1)),
    *(("layer_norm_epsilon", 0.1), ("max_position_embeddings", 4), ("rope_theta", 5e5), ("rotary_pct", 0.5)),
    *(
        ("rope_scaling", {"type": "linear", "factor": 4}),
        ("rope_scaling", {"rope_type": "dynamic", "factor": 2.0}),
    ),
    *(
        ("rope_parameters", {"rope_type": "default", "rope_theta": 1e6}),
        ("rope_parameters", {"rope_type": "x"}),
    ),
    *(("attention_bias", True), ("mlp_bias", True), ("use_bias", False), ("use_parallel_residual", False)),
    *(("use_bidirectional_attention", True), ("is_decoder", False), ("add_cross_attention", True)),
    *(("attn_logit_softcapping", 1.0), ("final_logit_softcapping", 1.0), ("query_pre_attn_scalar", 3)),
    *(("sliding_window", 2), ("use_sliding_window", True), ("max_window_layers", 0), ("layer_types", ["x"])),
    *(
        ("scale_attn_by_inverse_layer_idx", True),
        ("scale_attn_weights", False),
        ("reorder_and_upcast_attn", True),
    ),
    *(("activation_function", "relu"), ("n_inner", 10), ("n_head", 2), ("n_layer", 1), ("n_positions", 3)),
    *(("quantization_config", {"bits": 4}), ("quantization_config", {"quant_method": "gptq"})),
    *(
        ("auto_map", {"AutoConfig": "m.C"}),
        ("bos_token_id", 500),
        ("eos_token_id", [1, 2]),
        ("text_config", {}),
    ),
    *(
        ("attention_dropout", 0.5),
        ("resid_pdrop", 0.9),
        ("partial_rotary_factor", 0.5),
        ("pruned_heads", {"0": [1]}),
    ),
    *(("_attn_implementation", "flash_attention_2"), ("base_model_tp_plan", {"a": "x"}), ("n_embd", 10**8)),
)
WEIGHTS = (
    "drop",
    "drop layer",
    "prefix",
    "nan",
    "inf",
    "shape",
    "int8",
    "extra",
    "cut",
    "bytes",
    "half",
    "none",
)
TOKENISER = ("no tokenizer", "broken tokenizer", "extra token", "auto_map")


def change_tree(draw: Any, whole: Any, most: int = 3) -> Any:
    """A JSON value with a few of its places dropped, doubled or put to something odd."""
    out = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, most))):
        places: list[tuple[Any, Any]] = []
        _list_places(out, places)
        if not places:
            break
        holder, key = draw(st.sampled_from(places))
        match draw(st.sampled_from(["drop", "odd", "odd", "double", "swap"])):
            case "drop":
                del holder[key]
            case "odd":
                holder[key] = copy.deepcopy(draw(ODD))  # what is drawn is the generator’s own
            case "double":
                if isinstance(holder, list):
                    holder.append(copy.deepcopy(holder[key]))
                else:
                    holder[f"{key}2"] = holder[key]
            case "swap":
                other, there = draw(st.sampled_from(places))
                if isinstance(other, dict) == isinstance(holder, dict):
                    holder[key] = copy.deepcopy(other.get(there) if isinstance(other, dict) else holder[key])
    return out


def _list_places(value: Any, places: list[tuple[Any, Any]]) -> None:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    for key in keys:
        places.append((value, key))
        _list_places(value[key], places)


@st.composite
def changed_json(draw: Any, wholes: Any) -> bytes:
    """A JSON file after a few changes of its tree, or of its bytes."""
    changed = change_tree(draw, draw(st.sampled_from(wholes)), 2)
    try:
        content = json.dumps(changed, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    except ValueError:  # integers too long to be written
        content = b"{}"
    return draw(changed_bytes(content)) if draw(st.integers(0, 9)) == 0 else content


@st.composite
def changed_bytes(draw: Any, content: bytes) -> bytes:
    """A file cut short, with a few bytes turned, or with something before it."""
    match draw(st.sampled_from(["cut", "turn", "before"])):
        case "cut":
            return content[: draw(st.integers(0, len(content)))]
        case "turn":
            turned = bytearray(content)
            for _ in range(draw(st.integers(1, 4))):
                if turned:
                    turned[draw(st.integers(0, len(turned) - 1))] = draw(st.integers(0, 255))
            return bytes(turned)
        case _:
            return draw(st.sampled_from([b"\xef\xbb\xbf", b"\x1f\x8b", b"\x00", b"[", b" " * 99])) + content


@st.composite
def configs(draw: Any, families: Any) -> dict[str, Any]:
    """A model folder: its family, edits of its config, what happened to its weights and its tokeniser."""
    edits = draw(st.lists(st.sampled_from(EDITS), max_size=2))
    weights = draw(st.sampled_from(WEIGHTS)) if draw(st.integers(0, 2)) == 0 else ""
    tokeniser = draw(st.sampled_from(TOKENISER)) if draw(st.integers(0, 9)) == 0 else ""
    raw = draw(changed_bytes(b'{"model_type": "llama"}')) if draw(st.integers(0, 19)) == 0 else b""
    where = draw(st.integers(0, 10**6))
    return {
        "family": draw(st.sampled_from(families)), "edits": edits, "weights": weights, "where": where,
        "tokeniser": tokeniser, "raw": raw,
    }  # fmt: skip


SETTINGS = st.tuples(
    st.integers(0, 10**6), st.sampled_from(["drop", "odd", "twice", "none"]), st.integers(-2, 99)
)
ADDED = (*[""] * 12, "rope.scaling.factor", "expert_count", "nobody.knows", "split.count")
ARCHITECTURES = (*[""] * 20, "phi3", "gpt-oss", "llama", "gemma3", "x\x00", "mamba")
TENSORS = (*[""] * 8, "drop", "rename", "shape", "nan", "inf", "double", "all", "half")
TURNED = (*[""] * 6, "cut", "turn", "turn head")


@st.composite
def headers(draw: Any, kinds: Any) -> dict[str, Any]:
    """A GGUF file: its kind, and a few changes of settings, of tensors or of bytes."""
    return {
        "kind": draw(st.sampled_from(kinds)),
        "settings": draw(st.lists(SETTINGS, max_size=2)),
        "added": draw(st.sampled_from(ADDED)),
        "family": draw(st.sampled_from(ARCHITECTURES)),
        "tensors": draw(st.sampled_from(TENSORS)),
        "bytes": draw(st.sampled_from(TURNED)),
        "where": draw(st.integers(0, 10**6)),
    }


@st.composite
def suites(draw: Any) -> bytes:
    """A suite of questions as YAML, more or less."""
    import yaml

    case = {"id": "a", "text": "the red capital of France is", "said": "Paris", "foil": "Rome", "kind": "k"}
    told = {**case, "id": "b", "hypothesis": "x", "group": "S1", "expect": "lowers"}
    whole = draw(
        st.sampled_from(
            [[case, told], {"title": "t", "cases": [case]}, [told] * 2, {"cases": [case], "more": 1}]
        )
    )
    changed = change_tree(draw, whole)
    try:
        content = yaml.safe_dump(changed, allow_unicode=True).encode("utf-8", "surrogatepass")
    except (ValueError, yaml.YAMLError):
        content = b"- {id: a, text: *b}"
    if draw(st.integers(0, 3)) == 0:
        extra = st.sampled_from(
            [b"- &a [*a]\n", b"!!python/object:x {}\n", b"? {a: b}\n", b"\t- x", b"<<: 3\n", b"[" * 999]
        )
        content = draw(changed_bytes(content)) + draw(extra)
    return content


@st.composite
def calls(draw: Any, names: Any) -> tuple[str, Any]:
    """A tool call of a program: a verb or something like it, with arguments that may be any."""
    fields = (
        "text",
        "said",
        "rather_than",
        "thread",
        "graph",
        "message",
        "group",
        "factor",
        "action",
        "query",
        "limit",
    )
    value = ODD | TEXTS | st.sampled_from(["S1", "remove", "0" * 32, "w1 w2 w3"])
    given = draw(st.dictionaries(st.sampled_from(fields) | WORDS, value, max_size=4))
    return draw(st.sampled_from(names) | WORDS), given


REPLIES = (
    {"content": '{"action": "prune", "why": "first"}'},
    {"content": '<think>no {"action": "answer"}</think>{"action": "test", "claim": "C1"}'},
    {"content": None, "tool_calls": [{"index": 0, "id": "1", "type": "function",
     "function": {"name": "hypothesise", "arguments": '{"groups": ["S1"]}'}}]},
    {"content": [{"type": "text", "text": '{"kind": "answer", "style": "why"}'}]},
    {"content": "", "function_call": {"name": "trace", "arguments": {"nodes": 5}}},
    {"content": '<tool_call>{"name": "test", "arguments": {"claim": "C1"}}</tool_call>'},
    {"reasoning_content": "hm", "content": '```json\n{"name": "prune"}\n```'},
)  # fmt: skip


@st.composite
def replies(draw: Any) -> dict[str, Any]:
    """An HTTP reply of a server: streamed or whole, changed in its tree or its bytes."""
    delta = (
        change_tree(draw, draw(st.sampled_from(REPLIES)))
        if draw(st.booleans())
        else draw(st.sampled_from(REPLIES))
    )
    end = draw(st.sampled_from(["stop", "tool_calls", None, "length", "banana"]))
    streamed = draw(st.booleans())
    choice = {"index": 0, ("delta" if streamed else "message"): delta, "finish_reason": end}
    whole = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    if draw(st.integers(0, 7)) == 0:
        whole = change_tree(draw, whole)
    try:
        said = json.dumps(whole).encode()
    except ValueError:
        said = b"{}"
    raw = (
        b"data: " + said + b"\n\n" + (b"data: [DONE]\n\n" if draw(st.booleans()) else b"")
        if streamed
        else said
    )
    if draw(st.integers(0, 7)) == 0:
        raw = draw(changed_bytes(raw))
    right = "text/event-stream" if streamed else "application/json"
    kind = draw(st.sampled_from(["right", "right", "right", "text/html", ""]))
    return {
        "raw": raw,
        "kind": right if kind == "right" else kind,
        "status": draw(st.sampled_from([*[200] * 12, 400, 418, 302])),
    }
