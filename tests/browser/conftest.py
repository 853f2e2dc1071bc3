"""What the browser tests share: one real workspace, its page on loopback, and a page that is watched."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
READY = "document.querySelector('#go') && document.querySelector('#circuit .ac-bar')"


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def address(chromium: str, quick_desk: Any) -> Iterator[str]:
    """The chat of the embedded model, served on loopback."""
    from ui.page.app import serve

    page, url = serve(quick_desk, "127.0.0.1", free_port())
    yield url
    page.close(verbose=False)
    assert quick_desk.turns.wait_until_empty(quick_desk.settings.stop_seconds)


@pytest.fixture
def hostile(chromium: str, tiny: Callable[..., Any], tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The chat of a tiny model some of whose tokens are markup, and a text of these tokens."""
    from tests_support import words_tokenizer

    from agent import open_workspace, read_settings
    from ui.page.app import serve

    words = ["The", "tag", "<img/src=x/onerror=window.__caught=1>", "and", "![a](http://evil.example/a.png)"]
    tiny("llama").float().save_pretrained(tmp_path / "model")
    words_tokenizer([*words, "is"]).save_pretrained(tmp_path / "model")
    settings = read_settings(
        model=str(tmp_path / "model"), data_dir=tmp_path / "talks", controls=19, nodes=100
    )
    with open_workspace(settings) as workspace:
        page, url = serve(workspace, "127.0.0.1", free_port())
        yield url, " ".join([*words, "is"])
        page.close(verbose=False)


@contextmanager
def still_loading(**settings: Any) -> Iterator[str]:
    """The page of a model that is loading as long as the block lasts."""
    from agent import AgentError, read_settings
    from ui.base.model_loading import ModelLoader
    from ui.page.app import serve

    over = threading.Event()

    def load(progress: Callable[[str, float], None]) -> Any:
        progress("model", 0.4)
        over.wait()
        raise AgentError("The tests are over.")

    page, url = serve(ModelLoader(load), "127.0.0.1", free_port(), read_settings(**settings))
    yield url
    over.set()
    page.close(verbose=False)


@pytest.fixture(scope="session")
def cold(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page of a model that is still loading, and will be as long as the tests last."""
    with still_loading(data_dir=tmp_path_factory.mktemp("cold")) as url:
        yield url


@pytest.fixture
def closed(chromium: str, tmp_path: Path) -> Iterator[str]:
    """The same with logins."""
    with still_loading(data_dir=tmp_path, logins="ann:secret-a,bob:secret-b") as url:
        yield url


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright, whose event loop must end before tests that run their own."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def visit(visitor: Callable[..., Any], address: str) -> Callable[..., Any]:
    """Open the chat in a browser of its own."""
    return partial(visitor, address)


@pytest.fixture
def look(visitor: Callable[..., Any], cold: str) -> Callable[..., Any]:
    """Open the page whose model is still loading, in a browser of its own."""
    return partial(visitor, cold)


@pytest.fixture
def visitor(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a page in a browser of its own; at the end nothing may have gone wrong or gone out."""
    opened, complaints, ours = [], [], ["data:", "blob:", "file:"]

    def watch(page: Any) -> None:
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
        page.on("request", lambda request: note(request.url))

    def note(url: str) -> None:
        if not url.startswith(tuple(ours)):
            complaints.append(f"a request left the machine: {url}")

    def go(
        address: str, width: int = 1280, height: int = 720, theme: str = "light", link: str = "", **more: Any
    ) -> Any:
        ours.append(address)
        context = browser.new_context(viewport={"width": width, "height": height}, **more)
        opened.append(context)
        context.on("page", watch)
        page = context.new_page()
        page.set_default_timeout(180_000)  # a whole why on a slow, shared machine
        page.goto(f"{address}?__theme={theme}{link}")
        page.wait_for_function(READY)
        page.wait_for_function("localStorage.getItem('askcircuit-thread')")  # the thread is known
        return page

    yield go
    for context in opened:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def picture() -> Callable[[Any, str], None]:
    """Keep a screenshot where ASKCIRCUIT_PICTURES says (the README's are made so), else nothing."""
    folder = os.environ.get("ASKCIRCUIT_PICTURES")

    def keep(page: Any, name: str) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(folder) / f"{name}.png")

    return keep
