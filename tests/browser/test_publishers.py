"""Trusted publishers, from the settings of a repository to their end."""

from conftest import log_in
from playwright.sync_api import expect
from test_service_accounts import look


def test_a_publisher_is_trusted_and_removed(open_browser, shown):
    ada = open_browser()
    # A form that was refused.
    ada.watch.expected += ["Failed to load resource"]
    log_in(ada)
    ada.goto("/ada/shown/settings")
    ada.get_by_role("link", name="Show trusted publishers").click()
    ada.get_by_role("heading", name="No trusted publishers yet").wait_for()
    problems = look(ada, "publishers-none")

    # What names no repository is refused where it was typed.
    ada.get_by_label("Where the jobs run").select_option("GitHub Actions")
    ada.get_by_label("Repository there").fill("https://github.com/octo/bert")
    ada.get_by_role("button", name="Add publisher").click()
    ada.get_by_text("Give the repository as owner/name").wait_for()
    expect(ada.get_by_label("Repository there")).to_have_value("https://github.com/octo/bert")
    problems += look(ada, "publishers-refused")

    ada.get_by_label("Repository there").fill("octo/bert")
    ada.get_by_label("Workflow (optional)").fill("release.yml")
    ada.get_by_role("button", name="Add publisher").click()
    ada.get_by_role("heading", name="octo/bert").wait_for()
    ada.get_by_text("Only workflow release.yml").wait_for()
    problems += look(ada, "publishers")

    ada.get_by_role("button", name="Remove octo/bert of GitHub Actions").click()
    ada.get_by_role("heading", name="No trusted publishers yet").wait_for()
    # It can be taken back.
    ada.get_by_role("heading", name="Removed publishers").wait_for()
    problems += look(ada, "publishers-removed")
    ada.get_by_role("button", name="Restore octo/bert of GitHub Actions").click()
    ada.get_by_text("The publisher is trusted again.").wait_for()
    ada.get_by_text("Only workflow release.yml").wait_for()
    ada.get_by_role("button", name="Remove octo/bert of GitHub Actions").click()
    ada.get_by_role("heading", name="No trusted publishers yet").wait_for()
    assert problems == []
