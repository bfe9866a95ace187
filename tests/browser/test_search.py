"""The box over everything in the head of every page."""

import re
import time

import pytest
from conftest import DESKTOP, PHONE, picture
from playwright.sync_api import expect
from test_pages import axe, overflow


def known(page):
    """What the box would suggest for “shown”."""
    found = page.request.get("/api/quicksearch?limit=4&q=shown").json()
    return {item["id"] for kind in ("models", "datasets") for item in found[kind]}


@pytest.fixture
def box(open_browser, shown, buckets):
    """Opens a page and gives it with its box, once the index knows the model and the dataset."""

    def open_box(path="/tasks", viewport=DESKTOP, **options):
        page = open_browser(viewport, **options)
        deadline = time.monotonic() + 60
        while not {"ada/shown", "acme/shown-data"} <= known(page):
            assert time.monotonic() < deadline, "the index does not know them"
            time.sleep(0.2)
        page.goto(path)
        return page, page.locator("#site-search")

    return open_box


def test_a_slash_brings_the_focus_and_arrows_choose(box):
    page, search = box()
    page.keyboard.press("/")
    expect(search).to_be_focused()
    expect(search).to_have_value("")
    search.press_sequentially("shown")
    # There may have been suggestions for the first letters, which these replace.
    page.get_by_role("option", name="Search all for “shown”").wait_for()
    page.get_by_role("option", name="ada/shown").wait_for()
    expect(search).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("group", name="Models")).to_be_visible()
    expect(page.get_by_role("group", name="Datasets")).to_be_visible()
    page.keyboard.press("ArrowDown")
    chosen = page.locator("[role=option][aria-selected=true]")
    expect(chosen).to_have_text(re.compile(r"^\s*ada/shown"))
    expect(search).to_have_attribute("aria-activedescendant", chosen.get_attribute("id"))
    page.keyboard.press("ArrowUp")
    expect(chosen).to_have_count(0)
    expect(search).not_to_have_attribute("aria-activedescendant", re.compile(""))
    page.keyboard.press("ArrowUp")
    expect(chosen).to_contain_text("Search all for")
    page.keyboard.press("Escape")
    expect(search).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowDown")
    expect(chosen).to_have_text(re.compile(r"^\s*ada/shown"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/ada/shown")


def test_enter_alone_searches_everything(box):
    page, search = box()
    search.fill("shown")
    search.press("Enter")
    page.wait_for_url("**/search?q=shown")
    expect(page.get_by_role("navigation", name="Kinds").get_by_role("link", name=re.compile("^Models"))).to_be_visible()


def test_a_slash_in_a_field_stays_there(box):
    page, search = box("/models")
    field = page.get_by_role("main").get_by_label("Search in models")
    field.focus()
    page.keyboard.press("/")
    expect(field).to_have_value("/")


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
