"""Saved searches: from a list to the settings and away again, with and without JavaScript."""

import re
import time

import pytest
from conftest import DESKTOP, PHONE, log_in, picture
from playwright.sync_api import expect
from test_pages import axe, overflow, structure

SAVED = "/settings/saved-searches"


def problems(page):
    return [*axe(page), *overflow(page), *structure(page)]


def narrowed(page):
    """Opens a list that has something in it, once the index knows."""
    deadline = time.monotonic() + 60
    while page.goto("/models?license=apache-2.0&search=shown") and not page.locator(".repo-card").count():
        assert time.monotonic() < deadline, "the index does not know the model"
        time.sleep(0.2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_search_is_saved_seen_and_deleted(open_browser, shown, viewport, scheme):
    page = open_browser(viewport, color_scheme=scheme)
    shot = lambda name: picture(page, f"{viewport['width']}-{scheme}-saved-{name}")  # noqa: E731 - a name for one expression
    narrowed(page)
    assert not page.get_by_role("link", name="Save this search").count(), "strangers have nothing saved"
    log_in(page, "bob")
    page.goto(SAVED)
    found = problems(page)
    shot("none")
    narrowed(page)
    found += problems(page)
    shot("list")
    page.get_by_role("link", name="Save this search").click()
    name = f"Shown {viewport['width']} {scheme}"
    page.get_by_label("Name").fill(name)
    page.get_by_label("When something is new").select_option("daily")
    found += problems(page)
    shot("new")
    page.get_by_role("button", name="Save search").click()
    page.wait_for_url(f"**{SAVED}")
    item = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=name))
    # Other tests may have made more that fit.
    expect(item.get_by_text(re.compile(r"\b[1-9][0-9]* in all"))).not_to_have_count(0)
    expect(item.get_by_text("Mail once a day")).not_to_have_count(0)
    expect(page.get_by_text("until you confirm")).to_be_visible()
    item.get_by_text("Name, mail, feed").click()
    found += problems(page)
    shot("open")
    feed = item.get_by_label("Feed for feed readers").input_value()
    answer = page.request.get(feed)
    assert answer.status == 200 and "<title>ada/shown</title>" in answer.text()
    item.get_by_role("button", name="Show the latest").click()
    page.wait_for_url("**/models?search=shown&license=apache-2.0&sort=created")
    page.goto(SAVED)
    item.get_by_role("button", name=f"Delete {name}").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_text("Saved search deleted.").wait_for()
    page.wait_for_load_state()
    assert not item.count()
    assert not found, "\n".join(found)


def test_searches_are_saved_without_javascript(open_browser, shown):
    page = open_browser(java_script_enabled=False)
    log_in(page, "carol")
    narrowed(page)
    page.get_by_role("link", name="Save this search").click()
    page.get_by_role("button", name="Save search").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("No saved searches yet").wait_for()
