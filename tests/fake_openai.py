"""A loopback server that speaks POST /v1/chat/completions (JSON and SSE), scripted turn by turn."""

import json
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USAGE = {"prompt_tokens": 30, "completion_tokens": 50, "total_tokens": 80}


class FakeOpenAI:
    """Each turn is a dict or a function from the request's body to one; `then` answers when they are used up.

    content, tool_calls ([{"name", "arguments"}], arguments a dict or a string), refusal   what it says
    status, msg, headers     an HTTP error            raw       a body as it is, in place of a stream
    delay                    seconds before a chunk   drop_after   chunks after which the line is cut
    thought                  reasoning_content before the words; "reasoning: …" goes by that name
    no_end                   no finish_reason and no [DONE]; no_usage: no usage at all
    no_tools, no_shape       400 where tools are offered, where a response_format is set
    whole                    ignores stream=True      loose     repeats ids and names, leaves out indices
    """

    def __init__(self, *turns, then=None):
        self.turns, self.then, self.requests, self.stop_reason = deque(turns), then, [], threading.Event()
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with outer.lock:
                    outer.requests.append({"path": self.path, "headers": dict(self.headers), "body": body})
                    turn = outer.turns.popleft() if outer.turns else outer.then or {"content": "(no more)"}
                turn = turn(body) if callable(turn) else turn
                try:
                    outer.answer(self, turn, body)
                except (BrokenPipeError, ConnectionResetError):
                    outer.stop_reason.set()

        self.httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.httpd.daemon_threads = True

    def answer(self, handler, turn, body):
        if "raw" in turn:
            return send(handler, 200, turn["raw"], "text/event-stream")
        if (turn.get("no_tools") and "tools" in body) or (turn.get("no_shape") and "response_format" in body):
            turn = {"status": 400, "msg": "this is not supported"}
        if "status" in turn:
            error = {"error": {"message": turn.get("msg", "scripted"), "type": "x", "code": None}}
            return send(handler, turn["status"], json.dumps(error).encode(), headers=turn.get("headers"))
        if body.get("stream") and not turn.get("whole"):
            return stream(handler, turn, body)
        choice = {"index": 0, "message": message(turn), "finish_reason": finish(turn), "logprobs": None}
        whole = {"id": "c1", "object": "chat.completion", "created": 1, "model": body["model"]}
        whole |= {
            "choices": [choice],
            **({} if turn.get("no_usage") else {"usage": turn.get("usage", USAGE)}),
        }
        return send(handler, 200, json.dumps(whole).encode())

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self.httpd.server_address[1]}/v1"

    def __enter__(self):
        threading.Thread(target=lambda: self.httpd.serve_forever(0.02), daemon=True).start()
        return self

    def __exit__(self, *args):
        self.httpd.shutdown()
        self.httpd.server_close()


def send(handler, status, raw, kind="application/json", headers=None):
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(raw)))
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(raw)


def stream(handler, turn, body):
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()

    def put(text):
        raw = text.encode()
        handler.wfile.write(f"{len(raw):x}\r\n".encode() + raw + b"\r\n")
        handler.wfile.flush()

    def event(choices, **more):
        head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
        put("data: " + json.dumps({**head, "choices": choices, **more}) + "\n\n")

    for n, delta in enumerate(deltas(turn)):
        if n == turn.get("drop_after", -1):
            handler.close_connection = True
            return
        event([{"index": 0, "delta": delta, "finish_reason": None, "logprobs": None}])
        time.sleep(turn.get("delay", 0))
    if turn.get("no_end"):
        put("")
        return
    event([{"index": 0, "delta": {}, "finish_reason": finish(turn), "logprobs": None}])
    if not turn.get("no_usage") and (body.get("stream_options") or {}).get("include_usage"):
        event([], usage=turn.get("usage", USAGE))
    put("data: [DONE]\n\n")
    put("")


def deltas(turn):
    """The reply in pieces: words, and arguments in fragments, as the real API sends them."""
    yield {"role": "assistant", "content": ""}
    if thought := turn.get("thought"):
        name, _, words = thought.partition(": ") if thought.startswith("reasoning: ") else ("", "", thought)
        for j in range(0, len(words), 12):
            yield {name or "reasoning_content": words[j : j + 12]}
    for i, call in enumerate(turn.get("tool_calls", [])):
        arguments, name = written(call), {"id": f"call_{i}", "type": "function"}
        if turn.get("loose"):
            yield {"tool_calls": [{**name, "function": {"name": call["name"], "arguments": ""}}]}
        else:
            yield {"tool_calls": [{"index": i, **name, "function": {"name": call["name"], "arguments": ""}}]}
        for j in range(0, len(arguments), 8):
            piece = {"function": {"arguments": arguments[j : j + 8]}}
            if turn.get("loose"):
                piece = {**name, "function": {"name": call["name"], **piece["function"]}}
            else:
                piece["index"] = i
            yield {"tool_calls": [piece]}
    if turn.get("refusal"):
        yield {"refusal": turn["refusal"]}
    words = turn.get("content") or ""
    if not isinstance(words, str):
        yield {"content": words}
        return
    for j in range(0, len(words), 200 if len(words) > 2000 else 12):
        yield {"content": words[j : j + (200 if len(words) > 2000 else 12)]}


def written(call):
    return call["arguments"] if isinstance(call["arguments"], str) else json.dumps(call["arguments"])


def finish(turn):
    return "tool_calls" if "tool_calls" in turn else "stop"


def message(turn):
    out = {"role": "assistant", "content": turn.get("content"), "refusal": turn.get("refusal")}
    if "thought" in turn:
        out["reasoning_content"] = turn["thought"]
    if "tool_calls" in turn:
        out["tool_calls"] = [
            {"id": f"call_{i}", "type": "function", "function": {"name": c["name"], "arguments": written(c)}}
            for i, c in enumerate(turn["tool_calls"])
        ]
    return out


def call(name, **arguments):
    """A turn of one tool call."""
    return {"tool_calls": [{"name": name, "arguments": arguments}]}
