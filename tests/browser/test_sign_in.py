"""Signing in at a real provider of OpenID Connect, which signs with RSA and tells addresses at its userinfo endpoint."""

import json
import os
from urllib.parse import urlsplit

import pytest
from conftest import DESKTOP, PASSWORD, PHONE, log_in
from harness.hub import Hub
from harness.process import Child, free_ports, status_of, within
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
    within(30, lambda: status_of(f"{url}/.well-known/openid-configuration") == 200)
    yield url, child
    child.stop()


@pytest.fixture(scope="module")
def hub(provider):
    settings = {"HUB_OIDC_ISSUER": provider[0], "HUB_OIDC_CLIENT_ID": "hub", "HUB_OIDC_CLIENT_SECRET": "secret", "HUB_OIDC_NAME": "Acme"}
    hub = Hub(settings=settings)
    yield hub
    hub.stop()


def visit_provider(page, provider, sub):
    """Signs in there as somebody; its own style sheet comes from elsewhere and is left out."""
    page.watch.hosts.add(urlsplit(provider[0]).netloc)
    page.context.route("https://cdn.jsdelivr.net/**", lambda route: route.fulfill(body="", content_type="text/css"))
    page.watch.hosts.add("cdn.jsdelivr.net")
    page.get_by_role("button", name=sub).click()


@pytest.mark.parametrize(
    ("viewport", "scheme"), [(PHONE, "light"), (DESKTOP, "dark")], ids=["phone-light", "desktop-dark"]
)
def test_people_come_by_the_provider(open_browser, hub, provider, viewport, scheme):
    page = open_browser(viewport, color_scheme=scheme)
    problems = []
    page.watch.hosts.add("cdn.jsdelivr.net")
    page.watch.hosts.add(urlsplit(provider[0]).netloc)
    page.context.route("https://cdn.jsdelivr.net/**", lambda route: route.fulfill(body="", content_type="text/css"))

    # Somebody who has an account links it by its password, once.
    page.goto("/login?next=%2Fdatasets")
    problems += look(page, "login-by-provider", viewport, scheme)
    page.get_by_role("link", name="Sign in with Acme").click()
    visit_provider(page, provider, "2b41")
    page.wait_for_url(lambda address: urlsplit(address).netloc == urlsplit(hub.url).netloc)
    if "/login/oidc/link" in page.url:
        problems += look(page, "link", viewport, scheme)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Link it").click()
    page.wait_for_url("**/datasets")
    page.goto("/settings/sessions")
    page.get_by_role("link", name="Ways to sign in").click()
    page.get_by_role("cell", name="carol@example.org").wait_for()
    problems += look(page, "ways", viewport, scheme)

    # Somebody new.
    other = open_browser(viewport, color_scheme=scheme)
    other.watch.hosts.add("cdn.jsdelivr.net")
    other.watch.hosts.add(urlsplit(provider[0]).netloc)
    other.goto("/join")
    problems += look(other, "join-by-provider", viewport, scheme)
    other.get_by_role("link", name="Sign up with Acme").click()
    visit_provider(other, provider, "7d9e")
    other.wait_for_url(lambda address: urlsplit(address).netloc == urlsplit(hub.url).netloc)
    if "/login/oidc/join" in other.url:
        assert other.get_by_label("Username").input_value() == "grace"
        problems += look(other, "new", viewport, scheme)
        other.get_by_role("button", name="Create the account").click()
    other.wait_for_url(lambda address: "/login" not in address)
    other.goto("/settings/profile")
    assert other.get_by_text("grace@corp.example").count(), "the address of the userinfo endpoint"
    assert not problems, "\n".join(problems)


def test_a_provider_that_is_away_keeps_nobody_out(open_browser, hub, provider):
    provider[1].stop()
    page = open_browser()
    page.watch.expected.append("503")
    # What it says of itself may be remembered; then the browser itself finds nobody there.
    log_in(page, "carol")
    page.goto("/settings/sign-in")
    assert page.get_by_role("heading", name="Linked accounts").count()
