"""Likes, downloads, collections and follows: in place with JavaScript, by forms without."""

import re

import pytest
from conftest import DESKTOP, PHONE, log_in, picture
from playwright.sync_api import expect
from test_pages import axe, overflow, structure


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_feed_is_accessible_and_fits(open_browser, collected, viewport):
    page = open_browser(viewport)
    log_in(page, "bob")
    problems = []
    for path in ("/", "/ada"):
        assert page.goto(path).status == 200, path
        picture(page, f"{viewport['width']}-light-bob-feed-{path.strip('/')}")
        problems += [f"{path}: {problem}" for problem in [*axe(page), *overflow(page), *structure(page)]]
    assert not problems, "\n".join(problems)


def test_a_like_changes_in_place(open_browser, collected):
    page = open_browser()
    log_in(page, "dave")
    page.goto("/ada/shown")
    button = page.get_by_role("button", name="Like")
    before = int(page.locator("[data-like-count]").inner_text())
    page.evaluate("window.stays = true")
    button.click()
    page.locator(".like-button[aria-pressed=true]").wait_for()
    expect(page.locator("[data-like-count]")).to_have_text(str(before + 1))
    assert page.evaluate("window.stays"), "the page was not loaded again"
    button.click()
    page.locator(".like-button[aria-pressed=false]").wait_for()
    page.reload()
    assert int(page.locator("[data-like-count]").inner_text()) == before


def test_likes_follows_and_order_work_without_javascript(open_browser, collected):
    page = open_browser(java_script_enabled=False)
    log_in(page, "dave")
    page.goto("/ada/shown")
    page.get_by_role("button", name="Like").click()
    page.locator(".like-button[aria-pressed=true]").wait_for()
    page.goto("/ada")
    page.get_by_role("button", name="Follow").click()
    page.get_by_role("button", name="Following").wait_for()
    page.goto("/")
    assert page.locator(".feed").inner_text().count("ada") > 0
    owner = open_browser(java_script_enabled=False)
    log_in(owner)
    owner.goto(collected)
    names = owner.locator(".collection-items .repo-card-title a")
    first, second = re.compile("(^|/)shown$"), re.compile("(^|/)shown-data$")
    owner.get_by_role("button", name="Move acme/shown-data up").click()
    expect(names).to_have_text([second, first], use_inner_text=True)
    owner.get_by_role("button", name="Move acme/shown-data down").click()
    expect(names).to_have_text([first, second], use_inner_text=True)
