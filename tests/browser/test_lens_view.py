"""The table of what the lens reads in a real browser: read, gone through by keyboard, and asked about."""

import pytest

from tests.browser.chain import made_up_bundle
from tests.browser.conftest import still_loading
from ui.page import shared_bundles
from ui.reports import circuit_page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]
TAB = "show what the lens reads"


@pytest.fixture(scope="module")
def linked(chromium, tmp_path_factory):
    """A page on which the made-up example lies under a link: its address, and the link."""
    folder = tmp_path_factory.mktemp("lens")
    (folder / "shared").mkdir()
    name = shared_bundles.save_bundle(made_up_bundle(), folder / "shared")
    with still_loading(data_dir=folder) as url:
        yield url, f"&bundle={name}"


def test_the_lens_is_a_table_and_a_click_asks_for_an_exchange(visitor, linked, picture):
    url, link = linked
    page = visitor(url, 1440, 900, link=link)
    page.wait_for_selector(".ac-concept")
    page.get_by_label(TAB).click()
    lens = made_up_bundle().drawing.lens
    assert page.locator(".ac-sheet tbody tr").count() == len(lens.layers)
    heads = page.locator(".ac-sheet tbody th").all_text_contents()
    assert heads == [f"L{layer}" for layer in reversed(lens.layers)]  # upward
    assert page.locator(".ac-sheet tfoot th").nth(1).text_content() == "The"
    assert "comes first" in page.locator(".ac-panel").text_content()
    picture(page, "lens")
    cell = page.locator(".ac-sheet td[aria-label*='at “Dallas”, behind layer 9']")
    cell.hover()
    assert "Houston: 3.0" in page.locator(".ac-tip").text_content()
    cell.click()
    asked = "Replace Texas by another word at “Dallas”"
    assert page.locator("#ask textarea").input_value() == asked
    selected = "(({selectionStart: a, selectionEnd: b, value}) => value.slice(a, b))"
    found = page.evaluate(f"{selected}(document.querySelector('#ask textarea'))")
    assert found == "another word"
    panel = page.locator(".ac-panel")
    assert "K1 ✓" in panel.text_content()
    picture(page, "lens-asked")
    panel.get_by_role("button", name="Replace it by").nth(1).click()
    assert page.locator("#ask textarea").input_value() == "Replace Houston by another word at “Dallas”"
    panel.get_by_role("button", name="K1").click()
    assert page.get_by_label("show the chain of concepts").get_attribute("aria-pressed") == "true"


def test_a_word_the_text_says_twice_is_asked_for_with_its_place(visitor, linked):
    url, link = linked
    page = visitor(url, 1280, 720, theme="dark", link=link)
    page.wait_for_selector(".ac-concept")
    page.get_by_label(TAB).click()
    tokens = made_up_bundle().drawing.tokens
    at = [place for place, token in enumerate(tokens) if token == " of"][1]
    page.locator(f".ac-sheet td[data-row='3'][data-column='{at - 1}']").click()
    assert page.locator("#ask textarea").input_value() == f"Replace of by another word at “of” (T{at})"


def test_the_keyboard_goes_through_the_table(visitor, linked, picture):
    url, link = linked
    page = visitor(url, 1280, 720, theme="dark", link=link)
    page.wait_for_selector(".ac-concept")
    page.get_by_label(TAB).focus()
    page.keyboard.press("Enter")
    page.locator(".ac-sheet td[tabindex='0']").focus()
    for key in ("ArrowDown", "ArrowLeft", "ArrowUp", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    last = made_up_bundle().drawing.n_layers - 2
    assert f"behind layer {last}" in page.evaluate("document.activeElement.ariaLabel")
    assert page.locator(".ac-tip").is_visible()
    picture(page, "lens-dark")
    page.keyboard.press("Enter")
    assert "by another word at" in page.locator("#ask textarea").input_value()


def test_it_scrolls_in_its_own_box_on_a_phone(visitor, linked, picture):
    url, link = linked
    page = visitor(url, 390, 844, link=link, has_touch=True)
    page.wait_for_selector(".ac-concept")
    page.get_by_label(TAB).click()
    page.locator(".ac-stage").scroll_into_view_if_needed()
    picture(page, "lens-narrow")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    sheet = page.locator(".ac-sheet")
    assert sheet.evaluate("box => box.scrollWidth > box.clientWidth")
    assert page.locator(".ac-sheet tfoot th").first.is_visible()
    page.locator(".ac-sheet td[aria-label*='at “Dallas”, behind layer 9']").tap()
    assert page.locator("#ask textarea").input_value() == ""  # a tap shows what is there first
    assert "Houston" in page.locator(".ac-panel").text_content()


def test_a_saved_page_shows_the_table_and_nothing_of_it_is_markup(browser, tmp_path):
    file = tmp_path / "lens.html"
    file.write_text(circuit_page(made_up_bundle().drawing.plain()), encoding="utf-8")
    page = browser.new_page()
    page.goto(file.as_uri())
    page.get_by_label(TAB).click()
    page.locator(".ac-sheet td[aria-label*='at “Dallas”, behind layer 3']").click()
    assert page.locator(".ac-panel").get_by_role("button", name="Replace it by").count() == 0
    page.locator(".ac-sheet td[data-row='2'][data-column='2']").click()
    assert "<b>bold</b>" in page.locator(".ac-panel").text_content()
    assert page.locator(".ac-panel b", has_text="bold").count() == 0
    page.close()
