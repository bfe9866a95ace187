"""The box over everything in the head of every page."""

import re
import time

import pytest
from conftest import DESKTOP, PHONE, picture
from test_pages import axe, overflow


@pytest.fixture
def box(open_browser, shown, buckets):
    """Opens a page and gives it with its box, once the index knows the model."""

    def open_box(path="/tasks", viewport=DESKTOP, **options):
        page = open_browser(viewport, **options)
        deadline = time.monotonic() + 20
        while page.goto("/search?q=ada/shown") and not page.locator(".repo-card").count():
            assert time.monotonic() < deadline, "the index does not know the model"
            time.sleep(0.2)
        page.goto(path)
        return page, page.locator("#site-search")

    return open_box


def test_a_slash_brings_the_focus_and_arrows_choose(box):
    page, search = box()
    page.keyboard.press("/")
    assert search.evaluate("box => document.activeElement === box") and search.input_value() == ""
    search.press_sequentially("shown")
    page.get_by_role("option", name="ada/shown").wait_for()
    assert search.get_attribute("aria-expanded") == "true"
    assert page.get_by_role("group", name="Models").is_visible() and page.get_by_role("group", name="Datasets").is_visible()
    page.keyboard.press("ArrowDown")
    chosen = page.locator("[role=option][aria-selected=true]")
    assert chosen.inner_text().strip().startswith("ada/shown")
    assert search.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    page.keyboard.press("ArrowUp")
    assert chosen.count() == 0 and search.get_attribute("aria-activedescendant") is None
    page.keyboard.press("ArrowUp")
    assert "Search all for" in chosen.inner_text()
    page.keyboard.press("Escape")
    assert search.get_attribute("aria-expanded") == "false"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/ada/shown")


def test_enter_alone_searches_everything(box):
    page, search = box()
    search.fill("shown")
    search.press("Enter")
    page.wait_for_url("**/search?q=shown")
    assert page.get_by_role("navigation", name="Kinds").get_by_role("link", name=re.compile("^Models")).is_visible()


def test_a_slash_in_a_field_stays_there(box):
    page, search = box("/models")
    field = page.get_by_role("main").get_by_label("Search in models")
    field.focus()
    page.keyboard.press("/")
    assert field.input_value() == "/"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_suggestions_are_accessible_and_fit(box, viewport, scheme):
    page, search = box(viewport=viewport, color_scheme=scheme)
    search.fill("sho")
    page.get_by_role("option", name="ada/shown").wait_for()
    page.keyboard.press("ArrowDown")
    picture(page, f"{viewport['width']}-{scheme}-suggestions")
    problems = [*axe(page), *overflow(page)]
    assert not problems, "\n".join(problems)


def test_the_box_works_without_javascript(box):
    page, search = box(java_script_enabled=False)
    search.fill("shown")
    search.press("Enter")
    page.wait_for_url("**/search?q=shown")
    page.get_by_role("main").get_by_role("link", name="ada/shown").first.click()
    page.wait_for_url("**/ada/shown")
