"""What a person does with their own account: a forgotten password, tokens, sessions."""

import re
import time
import uuid

import pytest
from conftest import DESKTOP, PASSWORD, PHONE, log_in, picture, sign_up
from playwright.sync_api import expect
from test_pages import axe, overflow, structure


def look(page, name, viewport, scheme):
    """Takes a picture and returns what is wrong with the page."""
    picture(page, f"{viewport['width']}-{scheme}-account-{name}")
    return [f"{name}: {problem}" for problem in [*axe(page), *overflow(page), *structure(page)]]


def mail_to(hub, address, subject):
    """Waits for a mail in the folder of the hub, which has no mail server, and returns it with long lines joined."""
    deadline = time.monotonic() + 60
    while True:
        for path in (hub.folder / "data/outbox").glob("*.eml"):
            mail = path.read_text().replace("=\r\n", "").replace("=\n", "").replace("=3D", "=")
            if f"To: {address}" in mail and f"Subject: {subject}" in mail:
                return mail
        assert time.monotonic() < deadline, f"no mail to {address}"
        time.sleep(0.1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_forgotten_password_is_chosen_anew(open_browser, hub, viewport, scheme):
    page = open_browser(viewport, color_scheme=scheme)
    name = sign_up(page, "fay")
    problems = []

    other = open_browser(viewport, color_scheme=scheme)
    other.goto("/login")
    other.get_by_role("link", name="Forgotten your password?").click()
    other.get_by_role("button", name="Send me a link").wait_for()
    problems += look(other, "forgot", viewport, scheme)
    other.get_by_role("main").get_by_label("Email").fill(f"{name}@example.org")
    other.get_by_role("button", name="Send me a link").click()
    other.get_by_role("heading", name="Check your mail").wait_for()
    problems += look(other, "asked", viewport, scheme)
    link = re.search(r"http://\S+/reset-password\?link=\S+", mail_to(hub, f"{name}@example.org", "Choose a new password"))[0]
    other.goto(link)
    problems += look(other, "reset", viewport, scheme)
    other.get_by_label("New password").fill("another long password 8")
    other.get_by_role("button", name="Set the password").click()
    other.wait_for_url("**/login")
    problems += look(other, "after-reset", viewport, scheme)
    other.get_by_label("Username").fill(name)
    other.get_by_label("Password", exact=True).fill("another long password 8")
    other.get_by_role("main").get_by_role("button", name="Log in").click()
    other.wait_for_url(lambda address: "/login" not in address)
    page.goto("/settings/sessions")
    assert "/login" in page.url, "the browser from before was logged out"

    other.goto("/settings/profile")
    other.get_by_label("New email").fill(f"{name}@example.com")
    other.locator("form[action='/settings/email']").get_by_label("Current password").fill("another long password 8")
    other.get_by_role("button", name="Change address").click()
    other.get_by_role("button", name="Leave it as it is").wait_for()
    problems += look(other, "profile", viewport, scheme)
    mail = mail_to(hub, f"{name}@example.com", "Is this your new email address?")
    other.goto(re.search(r"http://\S+/change-email\?link=\S+", mail)[0])
    problems += look(other, "change-email", viewport, scheme)
    other.get_by_role("button", name="Confirm this address").click()
    other.get_by_role("heading", name="Email address changed").wait_for()
    problems += look(other, "changed-email", viewport, scheme)
    mail_to(hub, f"{name}@example.org", "Your email address was changed")
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(
    ("viewport", "scheme"), [(PHONE, "light"), (DESKTOP, "dark")], ids=["phone-light", "desktop-dark"]
)
def test_a_password_that_the_operator_was_shown_is_changed_at_the_first_login(open_browser, hub, viewport, scheme):
    name = f"gil{uuid.uuid4().hex[:8]}"
    made = hub.command("admin", "create-user", name, "--email", f"{name}@example.org")
    assert "within 7 days" in made.stdout, made.stderr
    page = open_browser(viewport, color_scheme=scheme)
    page.goto("/login?next=%2Fdatasets")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill(made.stdout.split()[-1])
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    page.wait_for_url("**/login/new-password")
    page.watch.expected.append("400")
    page.get_by_label("New password").fill(made.stdout.split()[-1])
    page.get_by_role("button", name="Set the password and go on").click()
    page.get_by_text("than the one that was made for you").wait_for()
    problems = look(page, "first-password", viewport, scheme)
    page.get_by_label("New password").fill("another long password 8")
    page.get_by_role("button", name="Set the password and go on").click()
    page.wait_for_url("**/datasets")
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_tokens_and_sessions_are_managed(open_browser, viewport, scheme):
    page = open_browser(viewport, color_scheme=scheme)
    log_in(page, "carol")
    name = f"robot-{uuid.uuid4().hex[:6]}"
    page.goto("/settings/tokens")
    page.get_by_role("main").get_by_label("Name", exact=True).fill(name)
    page.get_by_label(re.compile("^fine-grained", re.I)).first.check()
    page.get_by_label("Repositories to read", exact=True).fill("acme/one\ndatasets/acme/a-data-set-with-a-rather-long-name-for-a-phone")
    page.get_by_label("Stops working").select_option("In 30 days")
    page.get_by_role("button", name="Create token").click()
    page.get_by_role("button", name=f"Revoke {name}").wait_for()
    problems = look(page, "tokens", viewport, scheme)
    token = page.locator(".token", has=page.get_by_role("heading", name=name, exact=True))
    expect(token).to_contain_text("acme/one: read", use_inner_text=True)
    token.get_by_text("Rename", exact=True).click()
    token.get_by_label(f"New name of {name}").fill(f"{name}-2")
    problems += look(page, "tokens-renaming", viewport, scheme)
    token.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name=f"{name}-2").wait_for()
    token = page.locator(".token", has=page.get_by_role("heading", name=f"{name}-2", exact=True))
    token.get_by_text("Limit", exact=True).click()
    token.get_by_label(f"Requests of each kind that {name}-2 may make").fill("100")
    problems += look(page, "tokens-limiting", viewport, scheme)
    token.get_by_role("button", name="Save the limit").click()
    page.get_by_text("The token's limit was changed.").wait_for()
    # The script that asks is there when the page is.
    page.wait_for_load_state()
    page.get_by_role("button", name=f"Revoke {name}-2").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    page.get_by_text("Token revoked.").wait_for()
    page.goto("/settings/sessions")
    problems += look(page, "sessions", viewport, scheme)
    assert page.get_by_role("heading", name="Recent logins").is_visible()
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_one_founds_an_organization_and_another_joins_it_and_leaves(open_browser, hub, viewport, scheme):
    team, guest = f"team-{uuid.uuid4().hex[:6]}", f"{uuid.uuid4().hex[:8]}@example.com"
    boss = open_browser(viewport, color_scheme=scheme)
    log_in(boss, "carol")
    boss.goto("/organizations/new")
    boss.get_by_role("main").get_by_label("Name", exact=True).fill(team)
    boss.get_by_label("Full name").fill("A team of two")
    problems = look(boss, "organization-new", viewport, scheme)
    boss.get_by_role("button", name="Create organization").click()
    boss.wait_for_url(f"**/{team}")
    boss.goto(f"/organizations/{team}/settings")
    boss.get_by_label("About").fill("Two people who look at pages.")
    boss.get_by_label("Homepage").fill("https://example.org/team")
    boss.get_by_role("button", name="Save", exact=True).click()
    boss.get_by_text("Settings saved.").wait_for()
    boss.get_by_label("Picture").set_input_files({"name": "logo.png", "mimeType": "image/png", "buffer": boss.screenshot()})
    boss.get_by_role("button", name="Upload picture").click()
    boss.get_by_text("Picture saved.").wait_for()
    invite = boss.locator(f"form[action='/organizations/{team}/invitations']")
    invite.get_by_label("Email").fill(guest)
    invite.get_by_label("Role").select_option("Contributor")
    invite.get_by_role("button", name="Send invitation").click()
    boss.get_by_role("button", name=f"Revoke {guest}").wait_for()
    boss.get_by_role("button", name="Create link").click()
    boss.get_by_label("Link that invites as").wait_for()
    problems += look(boss, "organization-settings", viewport, scheme)

    mail = mail_to(hub, guest, f"carol invites you to {team}")
    other = open_browser(viewport, color_scheme=scheme)
    other.goto(re.search(r"http://\S+/invitations/\S+", mail)[0])
    other.get_by_role("heading", name="Join A team of two?").wait_for()
    problems += look(other, "invitation-anonymous", viewport, scheme)
    other.get_by_role("link", name="Log in to accept").click()
    other.get_by_label("Username").fill("dave")
    other.get_by_label("Password", exact=True).fill(PASSWORD)
    other.get_by_role("main").get_by_role("button", name="Log in").click()
    other.get_by_role("button", name="Accept").wait_for()
    problems += look(other, "invitation", viewport, scheme)
    other.get_by_role("button", name="Accept").click()
    other.get_by_text(f"You are a member of {team} now.").wait_for()
    problems += look(other, "organization", viewport, scheme)

    boss.reload()
    assert boss.get_by_label("Role of dave", exact=True).input_value() == "contributor"
    boss.get_by_label("Role of dave", exact=True).select_option("Write")
    boss.get_by_role("button", name="Change the role of dave").click()
    boss.get_by_text("dave is now write.").wait_for()
    problems += look(boss, "organization-members", viewport, scheme)
    link = boss.get_by_label("Link that invites as").input_value()
    other.goto(link)
    other.get_by_role("heading", name="You are a member of A team of two").wait_for()
    problems += look(other, "invitation-member", viewport, scheme)
    other.goto("/settings/organizations")
    problems += look(other, "organizations", viewport, scheme)
    other.get_by_role("button", name=f"Leave {team}").click()
    other.get_by_role("dialog").get_by_role("button", name="Leave").click()
    other.get_by_text(f"You left {team}.").wait_for()
    boss.goto("/settings/organizations")
    boss.watch.expected.append("409")
    boss.get_by_role("button", name=f"Leave {team}").click()
    boss.get_by_role("dialog").get_by_role("button", name="Leave").click()
    boss.get_by_text("An organization needs at least one admin").wait_for()
    problems += look(boss, "last-admin", viewport, scheme)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_what_links_in_mails_lead_to(open_browser, hub, viewport, scheme):
    from harness.people import TOKENS
    from huggingface_hub import HfApi

    page = open_browser(viewport, color_scheme=scheme)
    name = sign_up(page, "gus")
    page.goto(f"/settings/saved-searches/new?list=models&query=search%3D{name}-model")
    page.get_by_label("Name").fill("Models for Gus")
    page.get_by_label("When something is new").select_option("at_once")
    page.get_by_role("button", name="Save search").click()
    page.get_by_text("Search saved.").wait_for()
    page.locator("form[action='/settings/confirm-email'] button").click()
    mail = mail_to(hub, f"{name}@example.org", "Is this your email address?")

    other = open_browser(viewport, color_scheme=scheme)
    other.goto(re.search(r"http://\S+/confirm-email/\S+", mail)[0])
    problems = look(other, "confirm-email", viewport, scheme)
    other.get_by_role("button", name="Confirm this address").click()
    other.get_by_role("heading", name="Email address confirmed").wait_for()
    problems += look(other, "confirmed-email", viewport, scheme)
    HfApi(endpoint=hub.url, token=TOKENS["bob"]).create_repo(f"bob/{name}-model")
    mail = mail_to(hub, f"{name}@example.org", "1 new model: Models for Gus")
    other.goto(re.search(r"http://\S+/unsubscribe", mail)[0])
    problems += look(other, "unsubscribe", viewport, scheme)
    other.get_by_role("button", name="End these mails").click()
    other.get_by_role("heading", name="No more mails").wait_for()
    problems += look(other, "unsubscribed", viewport, scheme)
    page.goto("/settings/saved-searches")
    assert page.get_by_text("No mail").count()
    assert not problems, "\n".join(problems)
