"""Likes, downloads, collections and follows: in place with JavaScript, by forms without."""

import urllib.request

import pytest
from conftest import DESKTOP, PHONE, log_in, picture
from harness.people import TOKENS
from test_pages import axe, overflow, structure


@pytest.fixture(scope="session")
def collected(hub, shown):
    """Collections of ada's, the first with two items and a note; likes and downloads of what is in them."""
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    made = [api.create_collection(f"Shelf {name}", description="What belongs together") for name in ("one", "two", "three")]
    for collection, theme in zip(made, ("green", "pink", "indigo")):
        api.update_collection_metadata(collection.slug, theme=theme)
    api.add_collection_item(made[0].slug, "ada/shown", "model", note="The one to begin with.\nThen read on.")
    api.add_collection_item(made[0].slug, "acme/shown-data", "dataset")
    api.add_collection_item(made[0].slug, "2307.09288", "paper")
    for person in ("bob", "carol"):
        headers = {"Authorization": f"Bearer {TOKENS[person]}"}
        for path in ("models/ada/shown/like", "users/ada/follow", "organizations/acme/follow"):
            urllib.request.urlopen(urllib.request.Request(f"{hub.url}/api/{path}", method="POST", headers=headers))
        file = urllib.request.Request(f"{hub.url}/ada/shown/resolve/main/w.bin", headers=headers)
        urllib.request.urlopen(file).read()
    return f"/collections/{made[0].slug}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_pages_are_accessible_and_fit(open_browser, collected, viewport, scheme):
    problems = []
    reading = ["/collections", collected, "/ada/shown/likers", "/ada/shown/trending", "/ada/-/followers", "/ada", "/acme", "/ada/shown", "/"]
    editing = [collected, "/collections/new", "/collections/add?item=models/ada/shown", "/bob/-/following", "/"]
    for person, paths in ((None, reading), ("ada", editing), ("bob", ["/", "/ada"])):
        page = open_browser(viewport, color_scheme=scheme)
        if person:
            log_in(page, person)
        for number, path in enumerate(paths):
            assert page.goto(path).status == 200, path
            picture(page, f"engagement-{viewport['width']}-{scheme}-{person}-{number}")
            problems += [f"{person} {path}: {problem}" for problem in [*axe(page), *overflow(page), *structure(page)]]
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
