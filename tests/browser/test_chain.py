"""The chain of concepts in a real browser: first in the picture, by keyboard, dimmed where it was changed."""

import json

import pytest

from tests.browser.chain import made_up_bundle
from tests.browser.conftest import still_loading
from ui.page import shared_bundles
from ui.reports import circuit_page, explanation_file

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]


@pytest.fixture(scope="module")
def linked(chromium, tmp_path_factory):
    """A page on which the made-up example lies under a link: its address, and the link."""
    folder = tmp_path_factory.mktemp("chain")
    (folder / "shared").mkdir()
    name = shared_bundles.save_bundle(made_up_bundle(), folder / "shared")
    with still_loading(data_dir=folder) as url:
        yield url, f"&bundle={name}"


def test_the_chain_is_shown_first_and_the_groups_behind_it(visitor, linked, picture):
    url, link = linked
    page = visitor(url, 1440, 900, link=link)
    page.wait_for_selector(".ac-concept")
    assert page.get_by_label("show the chain of concepts").get_attribute("aria-pressed") == "true"
    labels = page.locator(".ac-concept").evaluate_all("all => all.map((one) => one.ariaLabel)")
    assert any("Texas" in label and "at “Dallas”" in label and "held up" in label for label in labels)
    hop = page.locator(".ac-hop[aria-label*='72']")
    assert "carried by head 10.2 (41" in hop.get_attribute("aria-label")
    picture(page, "chain")
    assert page.locator(".ac-behind .ac-item").count() == 0
    page.get_by_label("features behind it").check()
    assert page.locator(".ac-behind .ac-item").count() > 2
    page.get_by_label("show groups").click()
    assert page.locator(".ac-concept").count() == 0
    assert page.locator(".ac-group").count() > 2


def test_a_change_is_struck_through_and_its_answer_stands_beside(visitor, linked, picture):
    url, link = linked
    page = visitor(url, 390, 844, link=link)
    page.wait_for_selector(".ac-concept")
    assert page.locator("[data-id=K1].gone").count() == 1
    assert page.locator(".ac-answer.gone").count() == 1
    assert "now Atlanta" in page.locator(".ac-now").text_content()
    assert "Georgia" in page.locator(".ac-now").text_content()
    page.locator(".ac-stage").scroll_into_view_if_needed()
    picture(page, "chain-narrow")
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390


def test_the_keyboard_goes_along_the_chain_and_a_button_fills_the_question(visitor, linked):
    url, link = linked
    page = visitor(url, 1280, 720, theme="dark", link=link)
    page.wait_for_selector(".ac-concept")
    page.locator("[data-id=K1]").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Replace it by").click()
    assert page.locator("#ask textarea").input_value() == "Replace Texas by another word"
    assert page.evaluate("getSelection().toString()") in ("another word", "")


def test_the_evidence_is_folded_in_the_chat(visitor, linked, picture):
    url, link = linked
    page = visitor(url, 1280, 720, theme="dark", link=link)
    fold = page.locator("#chat details").last
    fold.wait_for()
    assert not fold.locator("p").last.is_visible()
    fold.locator("summary").click()
    fold.locator("strong", has_text="Concepts.").wait_for()
    picture(page, "chain-dark")


def test_a_saved_page_shows_the_chain_and_the_fold(visitor, browser, tmp_path):
    bundle = made_up_bundle()
    for name, text in {
        "whole": explanation_file.render_bundle_html(bundle),
        "frame": circuit_page(bundle.drawing.plain(), bundle.history[-1]),
    }.items():
        file = tmp_path / f"{name}.html"
        file.write_text(text, encoding="utf-8")
        page = browser.new_page()
        page.goto(file.as_uri())
        page.wait_for_selector(".ac-concept")
        assert page.locator("details summary", has_text="The evidence").count() >= 1
        assert page.get_by_role("button", name="Replace it by").count() == 0
        page.close()


def test_a_drawing_without_concepts_opens_as_before(browser, tmp_path):
    drawing = made_up_bundle().drawing.plain()
    plain = {
        key: drawing[key] for key in drawing if key not in ("concepts", "hops", "path", "changed", "lens")
    }
    file = tmp_path / "plain.html"
    file.write_text(circuit_page(json.loads(json.dumps(plain))), encoding="utf-8")
    page = browser.new_page()
    page.goto(file.as_uri())
    page.wait_for_selector(".ac-group")
    assert page.get_by_label("show groups").get_attribute("aria-pressed") == "true"
    assert not page.get_by_label("show the chain of concepts").is_visible()
    assert not page.get_by_label("show what the lens reads").is_visible()
    page.close()
