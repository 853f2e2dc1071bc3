"""The subject speaks in a real browser: it writes on, a token is clicked, and why it stands there is told."""

import pytest

from tests.browser.pages import DONE

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),  # as in test_chat
]
TEXT = "Texas, whose capital is"
DRAWN = "() => document.querySelectorAll('#chat .ac-wrote .ac-tip').length > 0"


def write(page, text):
    """Give a text, let the model write, and wait until its tokens can be clicked."""
    page.locator("#ask textarea").fill(text)
    page.locator("#write").click()
    page.wait_for_function(DRAWN)
    page.wait_for_function(DONE)


@pytest.mark.parametrize(("width", "height"), [pytest.param(1440, 900, marks=pytest.mark.slow), (390, 844)])
def test_it_writes_and_a_token_is_asked_about(visit, width, height, picture):
    page = visit(width=width, height=height)
    page.locator("#new").click()
    write(page, TEXT)
    wrote = page.locator("#chat .ac-wrote")
    assert wrote.first.inner_text() == " Austin"
    assert wrote.count() == 40
    wrote.first.click()
    card = page.locator(".ac-card")
    assert "“ Austin” 27 %" in card.inner_text()
    assert "“ Houston”" in card.inner_text()
    box = card.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    picture(page, f"writing-{width}")
    page.keyboard.press("Escape")
    assert not card.is_visible()


def test_why_a_written_token_stands_there(visit):
    page = visit()
    page.locator("#new").click()
    write(page, TEXT)
    page.locator("#chat .ac-wrote").first.click()
    page.locator(".ac-card .ac-why").click()
    page.wait_for_function("() => document.querySelectorAll('#chat .user-row').length === 2")
    page.wait_for_timeout(500)
    page.wait_for_function(DONE, timeout=300_000)
    told = page.inner_text("#chat")
    assert "Why “ Austin” here?" in told
    assert f"After “{TEXT}”" in told


def test_indentation_and_line_ends_are_shown_as_they_were_given(visit):
    page = visit()
    page.locator("#new").click()
    write(page, "def add(a, b):\n    return a +")
    asked = page.locator("#chat .user-row").last.inner_text()
    assert "\n\u00a0\u00a0\u00a0\u00a0return a +" in asked
    given = page.locator("#chat .ac-given")
    assert "".join(given.all_inner_texts()).replace("⏎\n", "\n").startswith("def add(a, b):\n    return")
