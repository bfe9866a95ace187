"""Signing up where addresses must be confirmed: by a link in a mail, and the same for each address."""

import re

import pytest
from conftest import DESKTOP, PHONE
from harness.hub import Hub
from test_accounts import look, mail_to

CHOSEN = "a long enough password 7"


@pytest.fixture(scope="module")
def hub():
    hub = Hub(settings={"HUB_REQUIRE_CONFIRMED_EMAIL": "true"})
    yield hub
    hub.stop()


def ask(page, name, email):
    """Fills in the form, and returns what the page says but for the address."""
    page.goto("/join")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(CHOSEN)
    page.get_by_role("main").get_by_role("button", name="Sign up").click()
    page.get_by_role("heading", name="Check your mail").wait_for()
    return page.get_by_role("main").inner_text().replace(email, "ADDRESS")


@pytest.mark.parametrize(
    ("viewport", "scheme"), [(PHONE, "light"), (DESKTOP, "dark")], ids=["phone-light", "desktop-dark"]
)
def test_an_account_is_made_by_the_link_in_the_mail(open_browser, hub, viewport, scheme):
    page = open_browser(viewport, color_scheme=scheme)
    name = f"ivy-{scheme}"
    problems = []
    free = ask(page, name, f"{name}@example.org")
    problems += look(page, "sign-up-sent", viewport, scheme)
    other = open_browser(viewport, color_scheme=scheme)
    assert ask(other, f"stranger-{scheme}", "carol@example.org") == free, "nobody learns who has an account"
    told = mail_to(hub, "carol@example.org", "Somebody tried to sign up with your address")
    assert "/forgot-password" in told and "/join/confirm" not in told

    link = re.search(r"http://\S+/join/confirm\?link=\S+", mail_to(hub, f"{name}@example.org", "Confirm your new account"))[0]
    page.goto(link)
    problems += look(page, "sign-up-confirm", viewport, scheme)
    page.watch.expected.append("403")
    page.get_by_label("Password", exact=True).fill("not the one that was chosen")
    page.get_by_role("button", name="Make my account").click()
    page.get_by_text("This is not the password that you chose when you signed up.").wait_for()
    problems += look(page, "sign-up-refused", viewport, scheme)
    page.get_by_label("Password", exact=True).fill(CHOSEN)
    page.get_by_role("button", name="Make my account").click()
    page.get_by_label(f"Account menu of {name}").wait_for()
    assert not problems, "\n".join(problems)
