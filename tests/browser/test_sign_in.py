"""Signing in at a real provider of OpenID Connect, which signs with RSA and tells addresses at its userinfo endpoint."""

import json
import os
from urllib.parse import urlsplit

import pytest
from conftest import DESKTOP, PASSWORD, PHONE, log_in
from harness.hub import Hub
from harness.process import Child, free_ports, status_of, within
from playwright.sync_api import expect
from test_accounts import look

PEOPLE = {
    "7d9e": {"email": "grace@corp.example", "email_verified": True, "preferred_username": "grace", "name": "Grace Hopper"},
    "2b41": {"email": "carol@example.org", "email_verified": True, "preferred_username": "carol", "name": "Carol"},
}


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    (port,) = free_ports(1)
    claims = [part for sub, more in PEOPLE.items() for part in ("--user-claims", json.dumps({"sub": sub, **more}))]
    log = tmp_path_factory.mktemp("provider") / "log"
    child = Child("provider", [os.environ["OIDC_PROVIDER"], "-p", str(port), *claims], {}, log)
    url = f"http://127.0.0.1:{port}"
    within(60, lambda: status_of(f"{url}/.well-known/openid-configuration") == 200)
    yield url, child
    child.stop()


@pytest.fixture(scope="module")
def hub(provider):
    settings = {"HUB_OIDC_ISSUER": provider[0], "HUB_OIDC_CLIENT_ID": "hub", "HUB_OIDC_CLIENT_SECRET": "secret", "HUB_OIDC_NAME": "Acme"}
    hub = Hub(settings=settings)
    yield hub
    hub.stop()


def know_provider(page, provider):
    """Lets a window go to the provider, whose style sheet comes from elsewhere and is left out."""
    page.watch.hosts.update([urlsplit(provider[0]).netloc, "cdn.jsdelivr.net"])
    page.context.route("https://cdn.jsdelivr.net/**", lambda route: route.fulfill(body="", content_type="text/css"))


def stay_on_the_way(route):
    """Keeps the browser on the page that leads to the provider."""
    answer = route.fetch()
    route.fulfill(response=answer, headers={name: value for name, value in answer.headers.items() if name != "refresh"})


@pytest.mark.parametrize(
    ("viewport", "scheme"), [(PHONE, "light"), (DESKTOP, "dark")], ids=["phone-light", "desktop-dark"]
)
def test_people_come_by_the_provider(open_browser, hub, provider, viewport, scheme):
    page = open_browser(viewport, color_scheme=scheme)
    problems = []
    know_provider(page, provider)

    # Somebody who has an account links it by its password, once.
    page.goto("/login?next=%2Fdatasets")
    problems += look(page, "login-by-provider", viewport, scheme)
    page.route("**/login/oidc", stay_on_the_way)
    page.get_by_role("button", name="Sign in with Acme").click()
    page.get_by_role("heading", name="On to Acme").wait_for()
    problems += look(page, "on-to-provider", viewport, scheme)
    page.unroute("**/login/oidc")
    page.get_by_role("link", name="Go on to Acme").click()
    page.get_by_role("button", name="2b41").click()
    page.wait_for_url(lambda address: urlsplit(address).netloc == urlsplit(hub.url).netloc)
    if "/login/oidc/link" in page.url:
        problems += look(page, "link", viewport, scheme)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Link it").click()
    page.wait_for_url("**/datasets")
    page.goto("/settings/profile")
    page.get_by_role("link", name="Ways to sign in").click()
    page.get_by_role("cell", name="carol@example.org").wait_for()
    problems += look(page, "ways", viewport, scheme)

    # Somebody new.
    other = open_browser(viewport, color_scheme=scheme)
    know_provider(other, provider)
    other.goto("/join")
    problems += look(other, "join-by-provider", viewport, scheme)
    other.get_by_role("button", name="Sign up with Acme").click()
    other.get_by_role("button", name="7d9e").click()
    other.wait_for_url(lambda address: urlsplit(address).netloc == urlsplit(hub.url).netloc)
    if "/login/oidc/join" in other.url:
        expect(other.get_by_label("Username")).to_have_value("grace")
        problems += look(other, "new", viewport, scheme)
        other.get_by_role("button", name="Create the account").click()
    other.wait_for_url(lambda address: "/login" not in address)
    other.goto("/settings/profile")
    assert other.get_by_text("grace@corp.example").count(), "the address of the userinfo endpoint"
    # Without a password, the provider says once more who is there.
    other.goto("/sudo?next=/settings/tokens")
    problems += look(other, "sudo-by-provider", viewport, scheme)
    other.get_by_role("button", name="Sign in again with Acme").click()
    other.get_by_role("button", name="7d9e").click()
    other.wait_for_url(lambda address: urlsplit(address).path == "/settings/tokens")
    other.get_by_text("for half an hour you are not asked again").wait_for()
    assert not problems, "\n".join(problems)


def test_a_provider_that_is_away_keeps_nobody_out(open_browser, hub, provider):
    provider[1].stop()
    page = open_browser()
    log_in(page, "carol")
    page.goto("/settings/sign-in")
    assert page.get_by_role("heading", name="Linked accounts").count()
