"""Signing in to applications with the hub, by people with and without JavaScript."""

import json
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import DESKTOP, PHONE, log_in, picture
from test_pages import axe, overflow, structure

APPLICATIONS = "/settings/applications"


def problems(page):
    return [*axe(page), *overflow(page), *structure(page)]


@pytest.fixture
def application():
    """A program at an address of its own, which says what it was told."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path.startswith("/callback"):
                self.server.got.append(dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query)))
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><html lang=en><title>App</title><link rel=icon href=data:,><h1>Back</h1>")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.url = [], f"http://127.0.0.1:{server.server_port}/callback"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def make(page, application):
    """Makes an application by the form, and returns the address to which it leads people."""
    page.goto(APPLICATIONS)
    page.get_by_role("link", name="New application").first.click()
    page.get_by_label("Name", exact=True).fill("Painter")
    page.get_by_label("Redirect URIs").fill(application.url)
    page.get_by_label("Read and change what is in your repositories").check()
    page.get_by_role("button", name="Create application").click()
    page.get_by_label("Client secret").wait_for()
    client = page.url.rsplit("/", 1)[1]
    query = {"client_id": client, "redirect_uri": application.url, "response_type": "code", "state": "s", "scope": "openid profile write-repos"}
    return "/oauth/authorize?" + urllib.parse.urlencode(query)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_somebody_signs_in_and_takes_it_back(open_browser, application, viewport, scheme):
    page = open_browser(viewport, color_scheme=scheme)
    page.watch.hosts.add(urllib.parse.urlsplit(application.url).netloc)
    shot = lambda name: picture(page, f"{viewport['width']}-{scheme}-oauth-{name}")  # noqa: E731 - a name for one expression
    log_in(page, "bob")
    asking = make(page, application)
    found = problems(page)
    shot("application")
    page.goto(APPLICATIONS)
    found += problems(page)
    shot("applications")

    page.goto(asking)
    page.get_by_role("heading", name="Sign in to Painter").wait_for()
    found += problems(page)
    shot("consent")
    page.get_by_label("acme").check()
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="Back").wait_for()
    assert application.got[-1]["code"] and application.got[-1]["state"] == "s"
    page.goto(asking)
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("heading", name="Back").wait_for()
    assert application.got[-1]["error"] == "access_denied"

    page.goto("/settings/connected-applications")
    found += problems(page)
    shot("connected")
    page.get_by_role("button", name="Revoke Painter").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    page.get_by_text("Access revoked.").wait_for()
    page.goto(APPLICATIONS)
    page.get_by_role("link", name="Painter").first.click()
    page.wait_for_url(f"**{APPLICATIONS}/*")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_text("Application deleted.").wait_for()
    page.get_by_role("heading", name="Deleted applications").wait_for()
    found += problems(page)
    shot("applications-deleted")
    page.get_by_role("button", name="Restore Painter").first.click()
    page.get_by_text("The application is back").wait_for()
    assert not found, "\n".join(found)


def test_who_is_not_logged_in_logs_in_and_goes_on(open_browser, application):
    keeper = open_browser(java_script_enabled=False)
    log_in(keeper, "carol")
    asking = make(keeper, application)
    page = open_browser(java_script_enabled=False)
    page.watch.hosts.add(urllib.parse.urlsplit(application.url).netloc)
    page.goto(asking)
    page.get_by_label("Username").fill("dave")
    page.get_by_label("Password").fill("correct horse battery staple")
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="Back").wait_for()
    assert application.got[-1]["code"]


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_device_is_signed_in(open_browser, hub, viewport):
    body = urllib.parse.urlencode({"client_id": "26be6b09-91c5-47da-9861-d2d2bb7a7e36"}).encode()
    device = json.load(urllib.request.urlopen(f"{hub.url}/oauth/device", body, timeout=30))
    page = open_browser(viewport)
    log_in(page, "bob")
    page.goto("/oauth/device")
    page.watch.expected.append("404 (Not Found)")
    page.get_by_label("Code").fill("BBBB BBBB")
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("No device waits with this code.").wait_for()
    found = problems(page)
    picture(page, f"{viewport['width']}-oauth-code")
    page.get_by_label("Code").fill(device["user_code"].lower())
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("Allow this only if you have just started it yourself").wait_for()
    found += problems(page)
    picture(page, f"{viewport['width']}-oauth-device")
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="The device is signed in").wait_for()
    found += problems(page)
    assert not found, "\n".join(found)
