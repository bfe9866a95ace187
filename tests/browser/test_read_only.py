"""Read-only operation: switched on in the console, told on every page, and switched off again."""

import pytest
from conftest import log_in
from playwright.sync_api import expect
from test_audience import make
from test_moderation import look

SAID = "The hub takes no changes at the moment: The database moves until noon."


@pytest.fixture
def ending(open_browser):
    """Has somebody end it, whatever became of the test: all tests share a hub."""
    ada = open_browser()
    log_in(ada, "ada")
    yield ada
    turn(ada, "Off")


def turn(ada, to, told=""):
    ada.goto("/admin/flags?flag=read-only#change")
    ada.get_by_label("Turn it").select_option(to)
    ada.get_by_label("What people are told (optional)").fill(told)
    ada.get_by_label("Why").first.fill("A new database")
    ada.get_by_role("button", name="Change it").click()
    ada.get_by_text(f"Read-only operation: {to.lower()} now.").wait_for()


def test_everybody_sees_it_and_what_was_typed_is_not_lost(open_browser, hub, ending):
    repo_id = make(hub)
    carol = open_browser()
    carol.watch.expected += ["Failed to load resource"]
    log_in(carol, "carol")
    carol.goto("/settings/profile")
    line = carol.get_by_role("complementary", name="Read-only operation")
    assert line.count() == 0
    turn(ending, "On", "The database moves until noon")
    look(ending, "read-only-switches")
    carol.goto(f"/{repo_id}/discussions/new")
    line.get_by_text(SAID).wait_for()
    look(carol, "read-only")
    carol.get_by_label("Title").fill("Owls")
    carol.get_by_label("What is it about?").fill("Which owls?")
    carol.get_by_role("button", name="Open discussion").click()
    carol.get_by_role("heading", name="Nothing can be changed right now").wait_for()
    carol.get_by_text("Nothing was saved. Go back in your browser").wait_for()
    look(carol, "read-only-refused")
    carol.go_back()
    # Browsers that keep the page as it was keep the title, too; this one is told to keep none.
    expect(carol.get_by_label("What is it about?")).to_have_value("Which owls?")
    carol.goto("/models")
    line.get_by_text(SAID).wait_for()
