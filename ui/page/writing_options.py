"""How the subject is to write: the widgets that say so, and what they say. Writes nothing."""

from typing import TYPE_CHECKING, Any

import gradio as gr

if TYPE_CHECKING:
    from agent import WriteRequest

AS = ("as the model is made for", "as a message", "as a plain text")


def lay_out_options() -> list[Any]:
    """Length, temperature, seed, where to stop, what the box holds, the system prompt."""
    with gr.Row():
        tokens = gr.Number(40, label="Tokens", precision=0, minimum=1, maximum=1000, min_width=80)
        heat = gr.Number(0, label="Temperature", minimum=0, maximum=5, step=0.1, min_width=80)
        seed = gr.Number(0, label="Seed", precision=0, minimum=0, min_width=80)
    stop = gr.Textbox(label="Stop behind this text", max_length=100)
    kind = gr.Dropdown(list(AS), value=AS[0], label="What is in the box is given")
    system = gr.Textbox(label="System prompt, where the model knows one", max_length=2000, max_lines=3)
    return [tokens, heat, seed, stop, kind, system]


def read_request(
    text: str, tokens: Any, heat: Any, seed: Any, stop: str, kind: str, system: str
) -> "WriteRequest":
    """What the widgets ask for; raises ValueError with a sentence. Limits are checked by the agent."""
    from agent import WriteRequest

    try:
        count, warm, drawn = int(tokens), float(heat or 0), int(seed or 0)
    except (TypeError, ValueError):
        raise ValueError("Give numbers for tokens, temperature and seed.") from None
    chat = None if kind not in AS[1:] else kind == AS[1]
    behind = (str(stop),) if stop else ()
    told = str(system) if system else None
    return WriteRequest(text, chat, told, tokens=count, temperature=warm, seed=max(drawn, 0), stop=behind)
