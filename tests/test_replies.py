"""Replies of language models as servers send them: thoughts, parts, objects, streams without an end."""

import json
import threading

import pytest

from agent import read_settings
from agent.core.llm_client import Endpoint
from agent.core.llm_reply import Completion
from agent.planners.llm_actions import parse_action
from agent.planners.llm_planner import LLMPlanner
from tests.fake_openai import FakeOpenAI

HI = [{"role": "user", "content": "hi"}]
ACTION = '{"action": "prune", "why": "first"}'


def settings_for(server):
    return read_settings(llm_base_url=server.base_url, llm_model="m")


def reply(turn):
    with FakeOpenAI(then=turn) as server:  # a server that does not stream is asked twice
        return Endpoint(settings_for(server), threading.Event()).converse(HI)


def chunks(*deltas, end=None):
    out = []
    for at, delta in enumerate(deltas):
        last = end if at == len(deltas) - 1 else None
        choice = {"index": 0, "delta": delta, "finish_reason": last}
        out.append(
            {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        )
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in out]
    return {"raw": "".join([*lines, "data: [DONE]\n\n"]).encode()}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("before", ['<think>Maybe {"action": "answer"}?</think>', "Hm, {no}.</think>\n"])
def test_thoughts_are_taken_off_before_the_action_is_read(stream, before):
    turn = reply({"content": before + ACTION, "whole": not stream})
    assert turn.content == ACTION
    assert turn.thought
    assert parse_action(turn) == {"kind": "prune", "why": "first"}


def test_a_reply_of_thoughts_alone_is_told_as_such():
    turn = Completion(content="<think>I will never end")
    turn.take_off_thoughts()
    assert (turn.content, turn.thought) == ("", "I will never end")
    brain = LLMPlanner(read_settings(llm_base_url="http://127.0.0.1:9/v1", llm_model="m"), threading.Event())
    assert brain._held(turn) == "it only thinks (16 characters) and then says nothing"
    assert brain._held(Completion()) == "it is empty"
    assert brain._held(Completion(content="Well.")) == "it says “Well.”"
    assert "no JSON object, “[1]”" in brain._held(Completion(calls=[("prune", "[1]")]))


def test_content_in_parts_and_arguments_as_an_object_are_read():
    parts = [{"type": "text", "text": '{"action": '}, {"type": "image"}, {"type": "text", "text": '"prune"}'}]
    assert reply(chunks({"role": "assistant", "content": parts}, end="stop")).content == '{"action": "prune"}'
    call = {
        "index": 0,
        "id": "1",
        "type": "function",
        "function": {"name": "test", "arguments": {"claim": "C1"}},
    }
    turn = reply(chunks({"tool_calls": [call]}, end="tool_calls"))
    assert [(name, json.loads(given)) for name, given in turn.calls] == [("test", {"claim": "C1"})]


def test_a_stream_that_is_whole_without_saying_so_is_read():
    turn = reply(chunks({"content": ACTION[:9]}, {"content": ACTION[9:]}))
    assert (turn.cut, turn.content) == ("", ACTION)
    assert reply(chunks({"content": ACTION[:9]})).cut == "the reply broke off"
