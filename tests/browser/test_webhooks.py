"""Webhooks: made, tried out, sent again and deleted, with and without JavaScript."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import DESKTOP, PHONE, log_in, picture
from playwright.sync_api import expect
from test_pages import axe, overflow, structure

WEBHOOKS = "/settings/webhooks"


def problems(page):
    return [*axe(page), *overflow(page), *structure(page)]


@pytest.fixture
def receiver():
    """A program that takes deliveries and says thanks."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.server.got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(self.server.status)
            self.end_headers()
            self.wfile.write(b'{"thanks": true}')

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.status = [], 200
    server.url = f"http://127.0.0.1:{server.server_port}/hook"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def reload_until(page, wanted):
    """Reloads until the page has what a job brings."""
    deadline = time.monotonic() + 60
    page.wait_for_load_state()
    while not wanted.count():
        assert time.monotonic() < deadline, f"{wanted} does not come"
        time.sleep(0.2)
        page.reload()


def ping(page, outcome):
    """Sends a ping, and waits for what came of it."""
    page.get_by_role("button", name="Send a ping").click()
    page.get_by_text("A ping is on its way.").wait_for()
    reload_until(page, page.get_by_role("main").get_by_text(outcome))


def fill(page, receiver, watched):
    page.get_by_label("URL").fill(receiver.url)
    page.get_by_label("What to watch").fill(watched)
    page.get_by_label("Secret").fill("a-Secret")
    page.get_by_role("button", name="Create webhook").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_webhook_is_made_tried_out_replayed_and_deleted(open_browser, receiver, shown, viewport, scheme):
    page = open_browser(viewport, color_scheme=scheme)
    shot = lambda name: picture(page, f"{viewport['width']}-{scheme}-webhooks-{name}")  # noqa: E731 - a name for one expression
    log_in(page, "bob")
    page.goto(WEBHOOKS)
    found = problems(page)
    shot("none")
    page.get_by_role("link", name="New webhook").click()
    page.wait_for_url(f"**{WEBHOOKS}/new")
    page.watch.expected.append("400 (Bad Request)")
    fill(page, receiver, "nobody-of-this-name")
    page.get_by_text("There is no user or organization").wait_for()
    found += problems(page)
    shot("refused")
    fill(page, receiver, "bob\nada/shown\ndatasets/acme/shown-data")
    page.get_by_text("Webhook created.").wait_for()
    found += problems(page)
    shot("new")
    webhook = page.url

    ping(page, "Delivered 200")
    # What says that the first is on its way is gone before the second goes.
    page.reload()
    receiver.status = 500
    ping(page, "Trying again 500")
    found += problems(page)
    shot("log")
    page.goto(WEBHOOKS)
    assert page.get_by_text("Failing", exact=True).is_visible()
    found += problems(page)
    shot("list")
    page.goto(webhook)
    page.get_by_role("link", name="ping").first.click()
    page.get_by_role("heading", name="What is sent").wait_for()
    expect(page.get_by_text("The receiver answered with status 500.")).to_be_visible()
    page.wait_for_load_state()
    assert not page.get_by_role("button", name="Send it again").count(), "it is still waiting"
    found += problems(page)
    shot("failing")
    receiver.status = 200
    page.goto(webhook)
    page.get_by_role("link", name="ping").last.click()
    page.get_by_role("button", name="Send it again").click()
    page.get_by_text("as a delivery of its own").wait_for()
    reload_until(page, page.get_by_role("main").get_by_text("Delivered 200"))
    expect(page.get_by_text('"thanks": true')).to_be_visible()
    found += problems(page)
    shot("delivery")
    assert [one["event"]["scope"] for one in receiver.got][:3] == ["ping"] * 3
    assert receiver.got[0]["webhook"] == receiver.got[2]["webhook"]

    page.goto(webhook)
    page.get_by_role("link", name="Edit").click()
    page.wait_for_url("**/edit")
    assert page.get_by_label("What to watch").input_value().split() == ["bob", "ada/shown", "datasets/acme/shown-data"]
    found += problems(page)
    shot("edit")
    page.get_by_role("button", name="Save webhook").click()
    page.get_by_text("Webhook changed.").wait_for()
    page.get_by_role("button", name="Disable").click()
    page.get_by_text("Webhook disabled.").wait_for()
    page.wait_for_load_state()
    assert not page.get_by_role("button", name="Send a ping").count()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_text("Webhook deleted.").wait_for()
    assert not found, "\n".join(found)


def test_webhooks_work_without_javascript(open_browser, receiver):
    page = open_browser(java_script_enabled=False)
    log_in(page, "carol")
    page.goto(WEBHOOKS)
    page.get_by_role("link", name="New webhook").click()
    fill(page, receiver, "carol")
    ping(page, "Delivered 200")
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("No webhooks yet").wait_for()
