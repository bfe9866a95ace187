"""Two people: one mentions the other, whose bell rings; what is watched, reactions and edits, with and without JavaScript."""

import re
import time
import uuid

import pytest
from conftest import DESKTOP, PHONE, log_in, picture, sign_up
from harness.people import TOKENS
from playwright.sync_api import expect
from test_accounts import mail_to
from test_pages import axe, overflow, structure

SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])


@pytest.fixture
def repo(hub):
    """A fresh model of ada's."""
    from huggingface_hub import HfApi

    repo_id = f"ada/told-{uuid.uuid4().hex[:8]}"
    HfApi(endpoint=hub.url, token=TOKENS["ada"]).create_repo(repo_id)
    return repo_id


def problems(page):
    return [f"{page.url}: {problem}" for problem in [*axe(page), *overflow(page), *structure(page)]]


def wait_for(page, path, text):
    """Loads a page until it has a text: jobs tell people of what happened."""
    deadline = time.monotonic() + 60
    while page.goto(path) and not page.get_by_role("main").get_by_text(text).count():
        assert time.monotonic() < deadline, f"{path} never says {text}"
        time.sleep(0.2)


def unread(page):
    label = page.get_by_role("banner").get_by_role("link", name=re.compile("^Notifications")).get_attribute("aria-label")
    return int(re.sub(r"\D", "", label) or 0)


@SCRIPTS
def test_a_mention_rings_the_bell_until_it_is_read(open_browser, repo, scripts):
    dave, carol = open_browser(java_script_enabled=scripts), open_browser(java_script_enabled=scripts)
    log_in(dave, "dave")
    dave.goto(f"/{repo}/discussions/new")
    title = f"Where from? {uuid.uuid4().hex[:6]}"
    dave.get_by_label("Title").fill(title)
    dave.get_by_label("What is it about?").fill("Do you know, @carol?")
    dave.get_by_role("button", name="Open discussion").click()
    dave.wait_for_url("**/discussions/1")
    log_in(carol, "carol")
    wait_for(carol, "/notifications", title)
    before = unread(carol)
    assert before > 0
    item = carol.get_by_role("listitem").filter(has_text=title)
    assert "dave opened it." in item.inner_text() and "Mentioned" in item.inner_text()
    item.get_by_role("link", name=title).click()
    carol.wait_for_url("**/discussions/1#*")
    assert unread(carol) == before - 1, "reading it is enough"
    carol.goto("/notifications")
    assert not carol.get_by_text(title).count()
    carol.get_by_role("link", name="All", exact=True).click()
    carol.get_by_text(title).wait_for()

    # The answer makes it unread again, and ticking it is as good as reading.
    dave.get_by_label("Comment", exact=True).last.fill("Anybody?")
    dave.get_by_role("button", name="Comment", exact=True).click()
    dave.get_by_text("Anybody?").first.wait_for()
    wait_for(carol, f"/notifications?repo=models/{repo}", title)
    carol.get_by_role("checkbox", name=re.compile(re.escape(title))).check()
    carol.get_by_role("button", name="Mark ticked as read").click()
    carol.get_by_text("1 notification is marked as read.").wait_for()
    carol.get_by_text("None is like this.").wait_for()


@SCRIPTS
def test_repositories_and_people_are_watched_and_not(open_browser, repo, scripts):
    page = open_browser(java_script_enabled=scripts)
    log_in(page, "dave")
    page.goto(f"/{repo}")
    menu = page.locator(".repo-title-actions details", has_text="Watch")
    menu.locator("summary").click()
    menu.get_by_role("button", name="All activity").click()
    page.locator(".repo-title-actions summary", has_text="Watching").wait_for()
    page.goto("/acme")
    page.get_by_role("button", name="Watch", exact=True).click()
    page.get_by_role("button", name="Watching").wait_for()
    page.goto("/settings/notifications")
    page.get_by_label("When somebody mentions you").select_option("daily")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    expect(page.get_by_label("When somebody mentions you")).to_have_value("daily")
    for name in (f"Back to what is usual for {repo}", "Unwatch acme"):
        with page.expect_navigation():
            page.get_by_role("button", name=name).click()
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    page.goto("/acme")
    page.get_by_role("button", name="Watch", exact=True).wait_for()
    page.goto(f"/{repo}")
    assert page.locator(".repo-title-actions summary", has_text="Watch").inner_text().strip() == "Watch"


@SCRIPTS
def test_comments_get_reactions_and_show_their_edits(open_browser, repo, scripts):
    dave, ada = open_browser(java_script_enabled=scripts), open_browser(java_script_enabled=scripts)
    log_in(dave, "dave")
    dave.goto(f"/{repo}/discussions/new")
    dave.get_by_label("Title").fill("Well done")
    dave.get_by_label("What is it about?").fill("It is fast")
    dave.get_by_role("button", name="Open discussion").click()
    dave.wait_for_url("**/discussions/1")
    dave.locator("summary", has_text="Edit").click()
    dave.get_by_label("Comment", exact=True).first.fill("It is quick")
    dave.get_by_role("button", name="Save").click()
    dave.get_by_role("link", name=re.compile("^edited")).click()
    dave.get_by_role("heading", name="Edits of a comment").wait_for()
    expect(dave.locator(".panel pre")).to_have_text(["It is quick", "It is fast"])
    log_in(ada)
    ada.goto(f"/{repo}/discussions/1")
    ada.locator("summary", has_text="React").click()
    ada.get_by_role("button", name="🎉 Hooray").click()
    ada.get_by_role("button", name="🎉 1", exact=True).wait_for()
    dave.goto(f"/{repo}/discussions/1")
    dave.get_by_role("button", name="🎉 1", exact=True).click()
    dave.get_by_role("button", name="🎉 2", exact=True).click()
    dave.get_by_role("button", name="🎉 1", exact=True).wait_for()
    dave.get_by_role("button", name="Unsubscribe").click()
    dave.get_by_text("You unsubscribed").wait_for()
    dave.get_by_role("button", name="Subscribe", exact=True).click()
    dave.get_by_text("because you subscribed").wait_for()
    ada.reload()
    ada.locator("summary", has_text="Rename, pin or lock, delete").click()
    ada.get_by_role("button", name="Delete #1").click()
    if scripts:
        ada.get_by_role("dialog").get_by_role("button", name="Delete").click()
    ada.get_by_text("#1 was deleted.").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_its_pages_are_accessible_and_fit(open_browser, hub, repo, viewport, scheme):
    from huggingface_hub import HfApi

    api, bob = (HfApi(endpoint=hub.url, token=TOKENS[name]) for name in ("ada", "bob"))
    name = f"{viewport['width']}-{scheme}"
    for number, text in enumerate(("@bob, is this as you want it?", "@bob: what about the other one?")):
        api.create_discussion(repo, title=f"A question {name} {number}", description=text)
    bob.create_pull_request(repo, title=f"Mend it {name}")
    api.comment_discussion(repo, 3, "Thank you, I will look at it")
    comment = api.get_discussion_details(repo, 1).events[0]
    api.edit_discussion_comment(repo, 1, comment.id, "@bob, is this as you want it, or not?")
    page = open_browser(viewport, color_scheme=scheme)
    shot = lambda what: picture(page, f"{name}-notifications-{what}")  # noqa: E731 - a name for one expression
    log_in(page, "bob")
    wait_for(page, "/notifications", f"A question {name} 1")
    wait_for(page, "/notifications", f"Mend it {name}")
    found = problems(page)
    shot("inbox")
    page.goto("/notifications?show=all&reason=mention")
    found += problems(page)
    shot("mentions")
    page.goto(f"/{repo}/discussions/1")
    page.locator("summary", has_text="React").click()
    found += problems(page)
    shot("react")
    page.get_by_role("button", name="👍 Thumbs up").click()
    page.get_by_role("button", name="👍 1").wait_for()
    found += problems(page)
    shot("thread")
    page.goto(f"/{repo}/discussions/1/history/{comment.id}")
    found += problems(page)
    shot("history")
    page.goto(f"/{repo}")
    page.locator(".repo-title-actions summary", has_text="Watch").click()
    found += problems(page)
    shot("watch")
    page.goto("/settings/notifications")
    found += problems(page)
    shot("settings")
    page.goto("/acme")
    found += problems(page)
    shot("owner")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_link_in_a_mail_ends_the_mails(open_browser, hub, repo, viewport, scheme):
    from huggingface_hub import HfApi

    page = open_browser(viewport, color_scheme=scheme)
    shot = lambda what: picture(other, f"{viewport['width']}-{scheme}-notifications-{what}")  # noqa: E731 - a name for one expression
    name = sign_up(page, "meg")
    page.goto("/settings/notifications")
    page.locator("form[action='/settings/confirm-email'] button").click()
    mail = mail_to(hub, f"{name}@example.org", "Is this your email address?")
    page.goto(re.search(r"http://\S+/confirm-email/\S+", mail)[0])
    page.get_by_role("button", name="Confirm this address").click()
    page.get_by_role("heading", name="Email address confirmed").wait_for()
    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    api.create_discussion(repo, title="A question", description=f"Do you know, @{name}?")
    mail = mail_to(hub, f"{name}@example.org", f"[{repo}] A question (#1)")

    # Where nobody is logged in.
    other = open_browser(viewport, color_scheme=scheme)
    other.goto(re.search(r"http://\S+/unsubscribe", mail)[0])
    found = problems(other)
    shot("unsubscribe")
    other.get_by_role("button", name="End these mails").click()
    other.get_by_role("heading", name="No more mails", exact=True).wait_for()
    found += problems(other)
    shot("unsubscribed")
    page.goto("/settings/notifications")
    assert page.get_by_label("When somebody mentions you").input_value() == "never"
    assert not found, "\n".join(found)
