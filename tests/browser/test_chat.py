"""The chat in a real browser on the real embedded model: ask, look, click, follow up, come back."""

import json
import time

import pytest

from agent import read_settings, show_graph
from tests.browser.pages import (
    BOXES,
    DONE,
    FRAMES,
    answered,
    ask,
    bring,
    open_folds,
    over_each_other,
    press_stop,
    said,
    saved,
    show_groups,
    wait_a_little,
)

pytestmark = [
    pytest.mark.browser,
    # Gradio counts its calls with pandas and trips over a deprecation there; as an error it kills its queue.
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]

TEXAS = "Why does 'Texas, whose capital is' continue with Austin?"
HOSTILE = "The tag <img src=x onerror=window.__caught=1> and ![a](http://evil.example/a.png) is"


@pytest.fixture(scope="module")
def asked(browser, address, quick_desk):
    """What a browser remembers that has asked about Texas: opening the page with it shows the answer.

    With all controls: fewer support no group.
    """
    few, quick_desk.settings = quick_desk.settings, read_settings(data_dir=quick_desk.settings.data_dir)
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.set_default_timeout(240_000)
    page.goto(address)
    page.wait_for_selector("#go", state="visible")
    page.wait_for_function("localStorage.getItem('askcircuit-browser')")  # whose conversation it will be
    ask(page, TEXAS)
    page.wait_for_selector(".ac-group")
    memory = context.storage_state()
    context.close()
    quick_desk.settings = few
    return memory


def test_ask_watch_look_click_follow_up_and_come_back(visit, picture):
    page = visit(1440, 900)
    page.locator("#ask textarea").fill(TEXAS)
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#chat').innerText.match(/ … \\d+ s/)")  # at work
    show_groups(page)  # the circuit comes before the answer
    page.wait_for_function(DONE)
    assert "Austin" in said(page)
    assert page.get_by_text("steps in").is_visible()
    page.wait_for_timeout(1000)  # the answer is brought to its beginning
    picture(page, "answer")

    show_groups(page)
    group = page.locator(".ac-group.on-path").last
    name = group.get_attribute("aria-label")
    group.locator(".ac-box").hover()
    page.wait_for_selector(".ac-tip", state="visible")
    assert name in page.inner_text(".ac-tip")
    assert "share of the graph" in page.inner_text(".ac-tip")

    group.locator(".ac-box").click()
    page.wait_for_selector("#chip", state="visible")
    assert name[:20] in page.inner_text("#chip")
    assert name in page.inner_text(".ac-panel h3")
    assert page.locator(".ac-strip").count() == 1
    picture(page, "pinned")

    before = said(page)
    ask(page, "what does this group do?")
    assert len(said(page)) > len(before) + 40
    answered(page, page.get_by_role("button", name="Remove this group").click)
    assert "Remove this group" in said(page)

    page.reload()
    show_groups(page)
    page.wait_for_function("document.querySelector('#chat').innerText.includes('Remove this group')")
    assert "Why does 'Texas, whose capital is' continue with Austin?" in said(page)


def test_an_opened_group_shows_its_features_and_the_other_view_shows_all(visit, picture, asked):
    page = visit(storage_state=asked)
    show_groups(page)
    group = page.locator(".ac-group").first
    group.locator(".ac-box").dblclick()
    page.wait_for_selector(".ac-member")
    assert over_each_other(page.evaluate(BOXES)) == []
    page.locator(".ac-member").first.click()
    page.wait_for_function("document.querySelector('#chip')?.innerText.includes('node')")  # after the group
    page.get_by_role("button", name="show every feature").click()
    page.wait_for_selector(".ac-feature")
    assert page.locator(".ac-feature").count() > 50
    drawn = (page.evaluate(FRAMES) for _ in range(8))  # another test may hold the machine for a moment
    assert any(frames >= 25 for frames in drawn)  # 60 on an idle machine
    page.get_by_role("button", name="reset the view").click()
    picture(page, "features")


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 720), (390, 844)])
def test_boxes_never_overlap_and_the_page_never_scrolls_sideways(visit, picture, asked, width, height):
    page = visit(width, height, theme="dark", storage_state=asked)
    show_groups(page)
    boxes = page.evaluate(BOXES)
    assert len(boxes) > 8
    assert over_each_other(boxes) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    picture(page, f"dark-{width}")


def test_the_keyboard_is_enough(visit, asked):
    page = visit(storage_state=asked)
    show_groups(page)
    page.locator(".ac-group").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#chip", state="visible")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.classList.contains('ac-item')")
    page.keyboard.press("Escape")
    page.wait_for_selector("#chip", state="hidden")
    page.locator(".ac-group").first.focus()
    page.keyboard.press(" ")
    page.wait_for_selector(".ac-member")


def stays_text(page, text):
    """Ask about a text that holds markup: it is shown as it stands, and nothing of it is loaded or run."""
    page.get_by_text("Give the text and the tokens exactly").click()
    page.locator("#text textarea").fill(text)
    answered(page, lambda: page.locator("#text textarea").press("Enter"))
    show_groups(page)
    assert text in said(page)
    assert page.locator("#chat .message img, #circuit img").count() == 0
    assert page.evaluate("window.__caught") is None
    page.locator(".ac-token:not(.folded)").last.hover()
    page.locator(".ac-token:not(.folded)").last.click()
    page.wait_for_selector("#chip", state="visible")


def test_hostile_tokens_stay_text(visitor, hostile):
    address, text = hostile
    stays_text(visitor(address), text)


@pytest.mark.slow  # forty tokens
def test_a_hostile_text_stays_text(visit):
    page = visit()
    page.set_default_timeout(500_000)
    stays_text(page, HOSTILE)


def test_stop_stops_and_the_next_question_is_answered(visit):
    page = visit()
    before = page.locator(".ac-group").first.get_attribute("aria-label")
    page.locator("#ask textarea").fill("Why does 'The opposite of up is' continue with down?")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#chat').innerText.match(/ … \\d+ s/)")
    began = time.monotonic()
    press_stop(page)
    page.wait_for_function("document.querySelector('#chat').innerText.includes('Stopped.')")
    assert time.monotonic() - began < 20  # 0.1 to 0.5 s on a quiet machine, 9 on one four times overbooked
    page.wait_for_function(DONE)
    assert page.locator(".ac-group").first.get_attribute("aria-label") == before  # the circuit that was there
    ask(page, "what can I ask?")
    assert "Why does" in said(page)


def test_a_question_that_was_stopped_goes_on_with_a_button(visit):
    page = visit()
    page.locator("#ask textarea").fill("Why does 'Texas, whose capital is' continue with Austin, not Dallas?")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#chat').innerText.match(/Trace.* \\d+ s/)")
    press_stop(page)
    page.wait_for_function(DONE)
    answered(page, page.locator("#follow button", has_text="Go on").click)
    assert "Austin" in page.locator(".ac-answer").first.text_content()
    page.locator("#follow button", has_text="How sure are you?").wait_for()


def test_what_cannot_be_answered_is_said_in_words(visit):
    page = visit()
    ask(page, "Why does '" + "word " * 4200 + "' continue with word?")
    assert "4,096" in said(page)
    assert "Traceback" not in said(page)


def test_an_empty_question_changes_nothing_that_is_shown(visit, asked):
    page = visit(storage_state=asked)
    show_groups(page)
    page.locator("#ask textarea").fill("   ")
    page.locator("#go").click()
    page.get_by_text("Type a question first").wait_for()
    page.wait_for_timeout(1000)
    assert TEXAS in said(page)
    assert page.locator(".ac-group").count() >= 4
    assert page.inner_text("#go") == "Ask"


def test_a_page_left_in_the_middle_of_an_answer_opens_with_what_was_said_before(visit, address, asked):
    page = visit(storage_state=asked)
    show_groups(page)
    page.locator("#ask textarea").fill("Why does 'She opened the door and' continue as it does?")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#chat').innerText.match(/ … \\d+ s/)")
    again = page.context.new_page()
    page.close()
    again.goto(address)
    show_groups(again)
    assert TEXAS in said(again)
    ask(again, "How sure are you?")
    assert "Verdicts" in said(again)


def test_two_visitors_do_not_see_each_other(visit, asked):
    first, second = visit(storage_state=asked), visit()
    first.wait_for_function(f"document.querySelector('#chat').innerText.includes({json.dumps(TEXAS)})")
    show_groups(second)  # a worked example
    assert TEXAS not in said(second)
    for page, count in ((first, 1), (second, 0)):
        page.get_by_role("button", name="Conversations").click()
        assert page.locator(".sh-talk").count() == count


def test_a_sentence_lights_up_what_it_speaks_of_and_the_other_way_round(visit, picture, asked):
    page = visit(1440, 900, storage_state=asked)
    page.wait_for_selector(".ac-said")
    show_groups(page)
    open_folds(page)
    sentence = page.locator(".ac-said", has_text="What carries").last  # above stands a worked example
    lit = page.locator(".ac-group.lit")
    for _ in range(20):  # the chat may still scroll to its place, and the sentence go from under the mouse
        page.mouse.move(1100, 860)
        sentence.hover()
        wait_a_little(page, ".ac-group.lit")
        if lit.count() == 1 and lit.get_attribute("data-id") in sentence.inner_text():
            break
    assert lit.count() == 1
    name = lit.get_attribute("data-id")
    assert name in sentence.inner_text()
    assert page.locator(".ac-edge.hot").count() >= 1
    picture(page, "sentence")
    page.mouse.move(1100, 860)
    page.wait_for_selector(".ac-group.lit", state="detached")
    sentence.focus()
    page.keyboard.press("Enter")
    assert page.locator(".ac-group.lit").count() == 1
    assert sentence.get_attribute("aria-pressed") == "true"
    page.keyboard.press("Escape")
    assert page.locator(".ac-group.lit").count() == 0
    page.locator(f".ac-group[data-id={name}] .ac-box").click()
    page.wait_for_selector(".ac-said.lit")
    spoken = page.locator(".ac-said.lit").all_inner_texts()
    assert any(name in words for words in spoken)
    assert all("strongest path" not in words for words in spoken if name not in words)


def test_the_slider_shows_what_the_model_then_says_and_the_ledger_keeps_it(visit, picture, asked):
    page = visit(1440, 900, storage_state=asked)
    show_groups(page)
    name = page.locator(".ac-said", has_text="What carries").last.text_content().split("most is ")[1][:2]
    page.locator(f".ac-group[data-id={name}] .ac-box").click()
    slider, told = page.locator(".ac-scale input"), page.locator(".ac-key")
    for factor, words in (("0", "removed"), ("2", "× 2"), ("-1", "× −1")):
        began = time.monotonic()
        slider.fill(factor)
        page.wait_for_function(f"document.querySelector('.ac-key')?.innerText.includes('{words}')")
        assert time.monotonic() - began < 20  # under 0.5 s on a quiet machine
    assert page.locator(".ac-guess").count() >= 4
    assert "No controls were run" in page.inner_text(".ac-bench")
    page.mouse.move(5, 5)
    picture(page, "slider")
    page.wait_for_function("document.querySelector('#chat').innerText.includes('by hand')")
    page.wait_for_function("document.querySelector('#chat').innerText.includes('looked at, not tested')")
    assert told.count() == 1
    page.wait_for_selector("text=You tried × −1")
    answered(page, page.get_by_role("button", name="Test it with controls").click)
    assert "Scale this by -1" in said(page)
    page.wait_for_function(
        "/random groups that are as active.* change it/"
        ".test([...document.querySelectorAll('#chat .bot')].pop().textContent)"
    )
    page.locator(".ac-swap input").fill("Colorado")
    answered(page, page.get_by_role("button", name="Swap", exact=True).click)
    assert "Swap this for 'Colorado'" in said(page)


def test_a_conversation_is_listed_comes_back_and_can_be_deleted(visit, asked):
    page = visit(storage_state=asked)
    show_groups(page)
    page.get_by_role("button", name="New conversation").click()
    page.wait_for_selector(".ac-group", state="detached")
    page.get_by_role("button", name="Conversations").click()
    page.get_by_role("button", name="“Texas, whose capital is” → Austin").first.click()
    show_groups(page)
    assert TEXAS in said(page)
    page.get_by_role("button", name="New conversation").click()
    page.wait_for_selector("#chat .user-row", state="detached")
    ask(page, "what can I ask?")
    page.get_by_role("button", name="Conversations").click()
    assert page.locator(".sh-talk").count() == 2
    page.get_by_role("button", name="delete what can I ask?").click()
    page.wait_for_function("document.querySelectorAll('.sh-talk').length === 1")


def test_the_graph_is_saved_for_neuronpedia_and_opens_again(visit, asked, tmp_path, picture):
    page = visit(storage_state=asked)
    show_groups(page)
    path = saved(page, "graph", tmp_path)
    graph = json.loads(path.read_text(encoding="utf-8"))
    assert {"metadata", "qParams", "nodes", "links"} <= graph.keys()
    assert graph["qParams"]["supernodes"]
    assert "Austin" in show_graph(path)["markdown"]
    bring(page, path)
    page.wait_for_selector("dialog[open]", state="detached")
    page.wait_for_function("document.querySelector('#chat').innerText.includes('graph-only')")
    assert page.locator(".ac-group").count() >= 4
    assert page.locator(".ac-bench").count() == 0  # somebody's graph can only be looked at
    picture(page, "graph-file")


def test_a_new_conversation_is_empty_and_the_page_says_so(visit, asked):
    page = visit(storage_state=asked)
    show_groups(page)
    page.get_by_role("button", name="New conversation").click()
    page.wait_for_selector(".ac-group", state="detached")
    assert page.get_by_text("The circuit appears here.").is_visible()


def test_the_page_is_told_to_load_nothing_from_elsewhere(visit, address):
    page = visit()
    headers = page.request.get(address).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
