"""Servers that speak the protocol in their own way: understood, or told; no thinking is taken for words."""

import json
import threading

import pytest

from agent import read_settings
from agent.core.llm_client import Endpoint
from agent.core.llm_reply import BROKE_OFF
from agent.planners.llm_actions import parse_action
from agent.planners.llm_context import action_tools
from tests.fake_openai import FakeOpenAI

HI = [{"role": "user", "content": "hi"}]
PRUNE = {"kind": "prune", "why": "first"}
ACTION = '{"action": "prune", "why": "first"}'
CALL = '{"name": "prune", "arguments": {"why": "first"}}'
SHAPE = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


def endpoint(server):
    return Endpoint(read_settings(llm_base_url=server.base_url, llm_model="m"), threading.Event())


def ask(*turns, **more):
    with FakeOpenAI(*turns, then=turns[-1]) as server:
        return endpoint(server).converse(HI, action_tools(), **more)


ODD = {
    "everything is thinking, which ends with the action": {"content": "", "thought": f"Hm. I take {ACTION}"},
    "the same by another name": {"content": None, "thought": f"reasoning: Hm. {ACTION}\n```"},
    "a call within the thinking": {"content": "", "thought": f"Hm. <tool_call>{CALL}</tool_call>"},
    "thinking before the action": {"content": f'<think>{{"action": "answer"}}?</think>{ACTION}'},
    "thinking in capitals": {"content": f"<THINK>no</THINK>\n{ACTION}"},
    "thinking twice": {"content": f"<think>a</think> hm <think>b</think>{ACTION}"},
    "thinking apart and again": {"thought": "a", "content": f"b</think>{ACTION}"},
    "a call as text": {"content": f"<tool_call>\n{CALL}\n</tool_call>"},
    "a call as text without an end": {"content": f"<tool_call>\n{CALL}"},
    "a call as text with its arguments as text": {
        "content": "<tool_call>"
        + json.dumps({"name": "prune", "arguments": '{"why": "first"}'})
        + "</tool_call>"
    },
    "a call with parameters": {"content": '{"name": "prune", "parameters": {"why": "first"}}'},
    "a call in a function": {"content": '{"type": "function", "function": ' + CALL + "}"},
    "a call in a list": {"content": f"[{CALL}]"},
    "a list of calls": {"content": '{"tool_calls": [{"function": ' + CALL + "}]}"},
    "a call as markup": {"content": "<function=prune><parameter=why>\nfirst\n</parameter></function>"},
    "the action in a fence": {"content": f"Sure!\n```json\n{ACTION}\n```"},
    "the action as a key": {"content": '{"prune": {"why": "first"}}'},
    "an action and its arguments": {"content": '{"action": "prune", "arguments": {"why": "first"}}'},
    "no usage": {"content": ACTION, "no_usage": True},
    "usage zero": {
        "content": ACTION,
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    },
    "no end": {"content": ACTION, "no_end": True},
    "no tools": {"content": ACTION, "no_tools": True},
}


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("odd", ODD)
def test_an_action_is_understood(odd, whole):
    turn = ask({**ODD[odd], "whole": whole and "reasoning:" not in str(ODD[odd].get("thought"))})
    assert not turn.cut
    assert parse_action(turn) == PRUNE
    assert turn.tokens > 0


def test_thinking_without_an_action_is_no_answer():
    for thought in (f"First {ACTION}, no, better not", "I think", f"<think>{ACTION} or not"):
        turn = ask({"content": "", "thought": thought})
        assert parse_action(turn) is None
        assert turn.only_thinks
        assert "think" in turn.thought.casefold() or "not" in turn.thought
    turn = ask({"content": f"<think>perhaps {ACTION} or not"})
    assert (turn.content, turn.only_thinks) == ("", True)


def test_one_that_thinks_gets_room_for_it():
    with FakeOpenAI({"content": "", "thought": "long"}, {"content": ACTION}) as server:
        one = endpoint(server)
        assert one.converse(HI, action_tools()).only_thinks
        assert parse_action(one.converse(HI, action_tools())) == PRUNE
    assert [r["body"]["max_tokens"] for r in server.requests] == [400, 3000]


def test_a_stream_that_breaks_off_is_told():
    assert ask({"content": ACTION, "drop_after": 2}).cut == BROKE_OFF
    assert ask({"content": ACTION[:14], "no_end": True}).cut == BROKE_OFF


def test_a_server_without_shapes_is_asked_without():
    with FakeOpenAI(then={"content": '{"a": "b"}', "no_shape": True}) as server:
        one = endpoint(server)
        assert one.converse(HI, shape=SHAPE).content == '{"a": "b"}'
        assert one.converse(HI, shape=SHAPE).content == '{"a": "b"}'
        assert one.takes_tools
    assert ["response_format" in r["body"] for r in server.requests] == [True, False, False]


def test_tools_that_are_not_found_are_given_up():
    def turn(body):
        return (
            {"status": 404, "msg": "no endpoint supports tool use"}
            if "tools" in body
            else {"content": ACTION}
        )

    with FakeOpenAI(then=turn) as server:
        assert parse_action(endpoint(server).converse(HI, action_tools())) == PRUNE
