"""Uploads a graph file to Neuronpedia, or says what would be sent. Knows its requests and nothing of graphs.

POST signed-put (name and size) -> an address; PUT the file there, without the key; POST save-to-db.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from pydantic import SecretStr

from agent.core import AgentError, show_token
from agent.graph_files.exchange import NAME, CheckedGraph, check_graph

SITE = "https://www.neuronpedia.org"
SMALLEST, LARGEST = 1024, 100 * 2**20
LONGEST_ADDRESS = 4000
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
JSON = "application/json"


class UploadError(AgentError):
    """The graph cannot be uploaded."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What was sent, or would be; `steps` are the requests in words, without the key."""

    slug: str
    scan: str
    size: int
    view_url: str
    steps: tuple[str, ...]
    sent: bool


def upload_graph(
    path: Path,
    *,
    key: SecretStr | None,
    slug: str = "",
    scan: str = "",
    site: str = SITE,
    dry_run: bool = False,
    timeout: float = 60.0,
) -> Upload:
    """Check the file, send it (unless it is a dry run) and return the address to view it at.

    `slug` and `scan` replace the file's own (circuit-tracer writes the transcoders' name as scan, but
    Neuronpedia wants its own name of the model, such as gemma-2-2b). Raises AgentError with one sentence.
    """
    site = site.rstrip("/")
    if not _may_hold_key(site):
        raise UploadError(f"The key is sent over https only, not to {show_token(site)!r}.")
    graph = _prepare_upload(path, slug, scan)
    data = graph.data
    name = f"{graph.slug}.json"
    plan = Upload(
        graph.slug, graph.scan, len(data), view_url(graph, site), _steps(site, name, len(data)), False
    )
    if dry_run:
        return plan
    token = "" if key is None else key.get_secret_value().strip()
    if not token or not token.isascii() or not token.isprintable():
        raise UploadError(
            "Uploading needs your key (neuronpedia.org/account) in NEURONPEDIA_API_KEY; a dry run does not."
        )
    try:
        with httpx.Client(timeout=timeout, follow_redirects=False, trust_env=True) as client:
            _send(client, site, token, name, data)
    except httpx.HTTPError as exc:
        raise UploadError(
            f"Neuronpedia could not be reached ({type(exc).__name__}). Nothing was published."
        ) from exc
    return Upload(plan.slug, plan.scan, plan.size, plan.view_url, plan.steps, True)


def _prepare_upload(path: Path, slug: str, scan: str) -> CheckedGraph:
    graph = check_graph(path, slug, scan)
    for what, value, option in (("slug", graph.slug, "--slug"), ("model", graph.scan, "--scan")):
        if not NAME.fullmatch(value):
            raise UploadError(
                f"Neuronpedia takes no {what} called {show_token(value)!r} (only letters, "
                "digits, -, _ and .). "
                f"Give another with {option}."
            )
    size = len(graph.data)
    if not SMALLEST <= size <= LARGEST:
        raise UploadError(f"Neuronpedia takes graphs from 1 KB to 100 MB; this one has {size:,} bytes.")
    return graph


def view_url(graph: CheckedGraph, site: str = SITE) -> str:
    """Where the graph can be seen once it is there, with pins, supernodes and labels as far as they fit."""
    address = f"{site}/{quote(graph.scan)}/graph?slug={quote(graph.slug)}"
    parts = [
        ("pinnedIds", ",".join(graph.pinned)),
        ("supernodes", _compact(graph.groups) if graph.groups else ""),
        ("clerps", _compact(graph.labels) if graph.labels else ""),
    ]
    for name, value in parts:
        part = f"&{name}={quote(value, safe='')}"
        if value and len(address) + len(part) <= LONGEST_ADDRESS:
            address += part
    return address


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _steps(site: str, name: str, size: int) -> tuple[str, ...]:
    return (
        f"POST {site}/api/graph/signed-put with {_compact(_first(name, size))} and the key as x-api-key",
        f"PUT {size} bytes of {JSON} to the address that it answers, without the key",
        f"POST {site}/api/graph/save-to-db with the putRequestId that it answers, and the key",
    )


def _first(name: str, size: int) -> dict[str, Any]:
    return {"filename": name, "contentLength": size, "contentType": JSON}


def _send(client: httpx.Client, site: str, token: str, name: str, data: bytes) -> None:
    key = {"x-api-key": token}
    place = _read_response(
        client.post(f"{site}/api/graph/signed-put", json=_first(name, len(data)), headers=key), token
    )
    address, ticket = place.get("url"), place.get("putRequestId")
    if not isinstance(address, str) or not isinstance(ticket, str) or not _may_hold_graph(address, site):
        raise UploadError("Neuronpedia did not say where to put the file. Nothing was published.")
    _read_response(client.put(address, content=data, headers={"content-type": JSON}), token, "The storage")
    _read_response(
        client.post(f"{site}/api/graph/save-to-db", json={"putRequestId": ticket}, headers=key), token
    )


def _read_response(response: httpx.Response, token: str, who: str = "Neuronpedia") -> dict[str, Any]:
    """The JSON of a good answer; raises UploadError with what the other side says of a bad one."""
    try:
        body = response.json()
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    if response.is_success:
        return body
    if response.status_code in {401, 403} and who == "Neuronpedia":
        raise UploadError("Neuronpedia does not take this key. Make one at neuronpedia.org/account.")
    if response.status_code == 429:
        raise UploadError("Neuronpedia takes no more graphs from here today. Try again tomorrow.")
    said = body.get("error") or body.get("message")
    why = f": {show_token(str(said).replace(token, '…')[:200])}" if said else ""
    raise UploadError(f"{who} refused the graph (HTTP {response.status_code}){why}. Nothing was published.")


def _may_hold_key(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def _may_hold_graph(address: str, site: str) -> bool:
    """The file may go over https anywhere; over http only to this machine, and only from this machine."""
    parts = urlsplit(address)
    if parts.scheme == "https":
        return True
    return _may_hold_key(address) and urlsplit(site).hostname in LOOPBACK
