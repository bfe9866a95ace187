"""Likes, downloads, collections and follows: in place with JavaScript, by forms without."""

import pytest
from conftest import DESKTOP, PHONE, log_in, picture
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
    assert int(page.locator("[data-like-count]").inner_text()) == before + 1
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
    owner.get_by_role("button", name="Move acme/shown-data up").click()
    owner.wait_for_load_state()
    names = owner.locator(".collection-items .repo-card-title a").all_inner_texts()
    assert [name.split("/")[-1] for name in names] == ["shown-data", "shown"]
    owner.get_by_role("button", name="Move acme/shown-data down").click()
