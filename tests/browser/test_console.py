"""The admin console: looked at in both widths and themes, with what those who run the hub do there."""

import subprocess

import pytest
from conftest import DESKTOP, PHONE, log_in, picture
from playwright.sync_api import expect
from test_pages import axe, overflow, structure


def problems(page):
    return [*axe(page), *overflow(page), *structure(page)]


def dead_letters(hub):
    """Puts jobs among the dead letters, which no node of this version can do."""
    sql = """insert into jobs (kind, payload, attempts, locked_until, last_error, failed_at)
             select 'a_kind_of_old', jsonb_build_object('repo_pk', n), 8, now(),
                    'HubError { kind: Unavailable, message: "The store does not answer right now. Try again in a moment." }', now()
             from generate_series(1, 3) n"""
    subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, hub.database_url()], check=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_walk_through_the_console(open_browser, hub, viewport, scheme):
    dead_letters(hub)
    page = open_browser(viewport, color_scheme=scheme)
    shot = lambda name: picture(page, f"{viewport['width']}-{scheme}-console-{name}")  # noqa: E731 - a name for one expression
    log_in(page)
    page.goto("/settings/profile")
    page.get_by_role("link", name="Admin console").click()
    page.get_by_role("heading", name="Overview").wait_for()
    expect(page.get_by_text("All migrations have run")).to_be_visible()
    found = problems(page)
    shot("overview")

    page.get_by_role("navigation", name="Settings").get_by_role("link", name="Background jobs").click()
    page.get_by_role("heading", name="Background jobs").wait_for()
    found += problems(page)
    shot("jobs")
    page.get_by_role("checkbox", name="a_kind_of_old").first.check()
    page.get_by_label("Why").fill("Of a version that is gone")
    page.get_by_role("button", name="Delete the chosen").click()
    page.get_by_text("One job deleted.").wait_for()
    page.get_by_role("link", name="a_kind_of_old").click()
    page.wait_for_url("**kind=a_kind_of_old**")
    page.get_by_label("Why").fill("Of a version that is gone")
    page.get_by_role("button", name="Delete all of this kind").click()
    page.get_by_text("jobs deleted.").wait_for()
    found += problems(page)
    shot("no-jobs")

    page.goto("/admin/users")
    page.get_by_label("Search names and email addresses").fill("carol")
    page.get_by_role("main").get_by_role("button", name="Search").click()
    page.wait_for_url("**q=carol**")
    page.get_by_role("link", name="carol").wait_for()
    found += problems(page)
    shot("users")
    page.get_by_role("link", name="carol").click()
    page.get_by_role("heading", name="Help with the account").wait_for()
    found += problems(page)
    shot("user")
    page.get_by_label("End all sessions").check()
    page.get_by_label("Why").first.fill("Lost her laptop")
    page.get_by_role("button", name="Do it").click()
    page.get_by_text("All sessions have ended.").wait_for()
    page.get_by_role("link", name="Audit log").first.click()
    page.get_by_role("cell", name="Sessions ended by an administrator").first.wait_for()
    page.goto("/admin/audit?whose=carol&action=admin.end_sessions")
    page.get_by_text("Lost her laptop").first.wait_for()
    found += problems(page)
    shot("audit")

    page.goto("/admin/storage")
    page.get_by_role("button", name="Count now").click()
    page.get_by_text("It is being counted.").wait_for()
    page.goto("/admin/storage/acme")
    page.get_by_label("Limit", exact=True).select_option("own")
    page.get_by_label("Their own limit, in GiB").fill("5")
    page.get_by_label("Why").fill("A project")
    page.get_by_role("button", name="Set the limit").click()
    page.get_by_text("The limit is set.").wait_for()
    found += problems(page)
    shot("quota")
    page.goto("/settings/storage")
    page.get_by_role("progressbar", name="Storage of acme").wait_for()
    found += problems(page)
    shot("own-storage")
    page.goto("/admin/storage")
    page.get_by_role("heading", name="Growth").wait_for()
    shot("storage")
    page.goto("/admin/repositories")
    page.get_by_label("Name, or owner/name").fill("acme/")
    page.get_by_label("Which").select_option("largest")
    page.get_by_role("main").get_by_role("button", name="Show").click()
    page.wait_for_url("**list=largest*")
    found += problems(page)
    shot("repositories")

    page.goto("/admin/banner")
    page.get_by_label("Text", exact=True).fill("**Maintenance** on Friday at 18:00 UTC: [what that means](/models).")
    page.get_by_label("How much it matters").select_option("warning")
    page.get_by_label("Why").first.fill("An upgrade")
    page.get_by_role("button", name="Show it").click()
    page.get_by_text("The banner is set.").wait_for()
    page.goto("/models")
    banner = page.get_by_role("complementary", name="Announcement")
    banner.get_by_role("link", name="what that means").wait_for()
    found += problems(page)
    shot("banner")
    with page.expect_navigation():
        banner.get_by_role("button", name="Close the announcement").click()
    expect(banner).to_have_count(0)
    page.goto("/admin/banner")
    page.get_by_label("Why").last.fill("It is over")
    page.get_by_role("button", name="Take the banner away").click()
    page.get_by_text("The banner is gone.").wait_for()
    assert not found, "\n".join(found)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_what_was_set_is_taken_back(open_browser, scripts):
    page = open_browser(PHONE if scripts else DESKTOP, java_script_enabled=scripts)
    log_in(page)

    def set_limit(gib):
        page.goto("/admin/storage/bob")
        page.get_by_label("Limit", exact=True).select_option("own")
        page.get_by_label("Their own limit, in GiB").fill(gib)
        page.get_by_label("Why").fill("A project")
        page.get_by_role("button", name="Set the limit").click()
        page.get_by_text("The limit is set.").wait_for()

    def take_back():
        page.get_by_label("Why").fill("The wrong one")
        page.get_by_role("button", name="Take it back").click()

    set_limit("5")
    set_limit("50")
    page.goto("/admin/audit?whose=bob&action=admin.quota")
    page.get_by_text("limit: 50 GiB").first.wait_for()
    # Of one that was set twice, only the last is.
    link = page.get_by_role("link", name="Take back: Storage limit set by an administrator, bob")
    assert link.count() == 1
    link.click()
    page.get_by_role("heading", name="Take it back").wait_for()
    page.get_by_text("When it is taken back: bob has a limit of 5 GiB again.").wait_for()
    if scripts:
        found = problems(page)
        assert not found, "\n".join(found)
    picture(page, f"console-take-back-{scripts}")
    take_back()
    # The question says it, too, at another address.
    page.wait_for_url("**/admin/audit")
    page.get_by_text("bob has a limit of 5 GiB again.").first.wait_for()
    page.goto("/admin/audit?whose=bob&action=admin.quota")
    page.get_by_text("The wrong one").first.wait_for()
    page.get_by_role("link", name="Take back: Storage limit set by an administrator, bob").click()
    page.get_by_role("heading", name="Take it back").wait_for()
    late = page.url
    set_limit("7")
    page.goto(late)
    page.get_by_role("heading", name="Audit log", level=1).wait_for()
    assert page.get_by_role("heading", name="Take it back").count() == 0
    page.goto("/admin/storage/bob")
    assert page.get_by_label("Their own limit, in GiB").input_value() == "7"
