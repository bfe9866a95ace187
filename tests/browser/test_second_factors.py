"""Authenticator apps and passkeys, by people with a browser."""

import base64
import hmac
import struct
import time
from urllib.parse import urlsplit

import pytest
from conftest import DESKTOP, PHONE, Watch, sign_up
from harness.hub import Hub
from playwright.sync_api import expect
from test_accounts import look

SIGNED_UP = "a long enough password 7"
VIEWS = [(PHONE, "light"), (PHONE, "dark"), (DESKTOP, "light"), (DESKTOP, "dark")]


def code_of(secret, steps=0):
    """Returns what an authenticator app shows, now or some steps of time from now.

    Waits when the present step ends within eight seconds: the hub takes a code of the step before for that long only.
    """
    left = 30 - time.time() % 30
    if steps < 0 and left < 8:
        time.sleep(left)
    counter = struct.pack(">Q", int(time.time() // 30) + steps)
    mac = hmac.new(base64.b32decode(secret), counter, "sha1").digest()
    at = mac[19] & 15
    return f"{(struct.unpack('>I', mac[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def give_password(page, name):
    page.goto("/login")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill(SIGNED_UP)
    page.get_by_role("main").get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url("**/login/second-factor")


@pytest.mark.parametrize("viewport, scheme", VIEWS, ids=lambda value: value if isinstance(value, str) else str(value["width"]))
def test_an_app_is_set_up_and_asked_for(open_browser, hub, viewport, scheme):
    page = open_browser(viewport, color_scheme=scheme)
    name = sign_up(page, "ida")
    page.goto("/settings/authentication")
    problems = look(page, "authentication-none", viewport, scheme)
    page.get_by_role("link", name="Set up an app").click()
    secret = page.get_by_label("Key", exact=True).input_value()
    page.watch.expected.append("403")
    page.get_by_label("Code").fill("12")
    page.get_by_role("button", name="Turn it on").click()
    page.get_by_text("This is not the app's present code.").wait_for()
    expect(page.get_by_label("Key", exact=True)).to_have_value(secret)
    problems += look(page, "authenticator-app", viewport, scheme)
    page.get_by_label("Code").fill(code_of(secret, -1))
    page.get_by_role("button", name="Turn it on").click()
    page.get_by_role("heading", name="Your recovery codes").wait_for()
    problems += look(page, "recovery-codes", viewport, scheme)
    recovery = page.locator("pre code").inner_text().split()
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_text("10 codes are left").wait_for()
    problems += look(page, "authentication-app", viewport, scheme)
    page.goto("/sudo?next=/settings/tokens")
    problems += look(page, "sudo", viewport, scheme)

    other = open_browser(viewport, color_scheme=scheme)
    give_password(other, name)
    problems += look(other, "second-factor", viewport, scheme)
    other.watch.expected.append("403")
    other.get_by_label("Code").fill("000000")
    other.get_by_role("main").get_by_role("button", name="Log in").click()
    other.get_by_text("This code is not right").wait_for()
    problems += look(other, "second-factor-wrong", viewport, scheme)
    other.get_by_label("Code").fill(code_of(secret))
    other.get_by_role("main").get_by_role("button", name="Log in").click()
    other.wait_for_url(lambda address: "/login" not in address)
    other.goto("/settings/sessions")
    assert other.get_by_text("by password and app").count()
    problems += look(other, "sessions-app", viewport, scheme)

    third = open_browser(viewport, color_scheme=scheme, java_script_enabled=False)
    give_password(third, name)
    third.get_by_label("Code").fill(recovery[0])
    third.get_by_role("main").get_by_role("button", name="Log in").click()
    third.wait_for_url(lambda address: "/login" not in address)
    third.goto("/settings/authentication")
    assert third.get_by_text("9 codes are left").count()
    assert "Removed." in hub.admin("remove-second-factors", name)
    third.goto("/settings/profile")
    assert urlsplit(third.url).path == "/login"
    assert not problems, "\n".join(problems)


@pytest.fixture(scope="module")
def near():
    """A hub with a name for an address, which passkeys need."""
    hub = Hub(started=False)
    hub.url = f"http://localhost:{next(iter(hub.roles))}"
    hub.env["HUB_PUBLIC_URL"] = hub.url
    hub.start()
    yield hub
    hub.stop()


class Authenticator:
    """Chromium's own virtual authenticator, which a test taps."""

    def __init__(self, page):
        self.cdp = page.context.new_cdp_session(page)
        self.cdp.send("WebAuthn.enable")
        kind = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
        user = {"hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True}
        self.id = self.send("addVirtualAuthenticator", options={**kind, **user})["authenticatorId"]

    def send(self, command, **arguments):
        return self.cdp.send(f"WebAuthn.{command}", arguments)

    def taps(self, enabled):
        """Says whether somebody taps it whenever it asks."""
        self.send("setAutomaticPresenceSimulation", authenticatorId=self.id, enabled=enabled)

    def credentials(self):
        return self.send("getCredentials", authenticatorId=self.id)["credentials"]


ASK = """async () => {
  const csrf_token = document.querySelector("[data-passkey] [name=csrf_token]").value;
  const response = await fetch("/sudo/challenge", {method: "POST", body: new URLSearchParams({csrf_token})});
  return response.json();
}"""
ANSWER = """async ({ceremony, options}) => {
  const csrf_token = document.querySelector("[data-passkey] [name=csrf_token]").value;
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey);
  const credential = JSON.stringify((await navigator.credentials.get({publicKey})).toJSON());
  const response = await fetch("/sudo", {method: "POST", body: new URLSearchParams({csrf_token, ceremony, credential})});
  return response.status;
}"""


def test_a_passkey_logs_in_alone_and_after_a_password(chromium, near):
    # Without motion, or pictures are taken while colours still change from one scheme to the other.
    context = chromium.new_context(viewport=DESKTOP, base_url=near.url, locale="en-GB", reduced_motion="reduce")
    context.set_default_timeout(30_000)
    watch = Watch(context, near.url)
    page = context.new_page()
    key = Authenticator(page)
    name = sign_up(page, "eva")
    page.goto("/settings/authentication")
    page.get_by_role("main").get_by_label("Name", exact=True).fill("A laptop")
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_role("heading", name="Your recovery codes").wait_for()
    page.get_by_role("link", name="I have kept them").click()
    page.wait_for_url("**/settings/authentication")
    assert len(key.credentials()) == 1 and key.credentials()[0]["isResidentCredential"]
    problems = []
    for viewport, scheme in VIEWS:
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=scheme)
        problems += look(page, "authentication-passkey", viewport, scheme)

    # With a passkey alone: offered where the name is typed, or by the button.
    sent = []
    context.on("request", lambda request: sent.append(request) if request.url.endswith("/login/passkey") else None)
    key.taps(False)
    context.clear_cookies()
    page.goto("/login")
    button = page.get_by_role("button", name="Log in with a passkey")
    button.wait_for()
    problems += look(page, "login-passkey", DESKTOP, "dark")
    key.taps(True)
    button.click()
    page.wait_for_url(lambda address: "/login" not in address)
    page.goto("/settings/sessions")
    assert page.get_by_text("by passkey", exact=True).count()

    # The same answer again is worth nothing, even with the cookies of that browser.
    headers = {name: value for name, value in sent[0].all_headers().items() if name in ("cookie", "content-type")}
    again = chromium.new_context(base_url=near.url).request.post(
        "/login/passkey", data=sent[0].post_data, headers=headers, max_redirects=0
    )
    assert again.status == 403 and "took too long, or was sent twice" in again.text()

    # As the second factor.
    key.taps(False)
    context.clear_cookies()
    give_password(page, name)
    for viewport, scheme in VIEWS:
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=scheme)
        problems += look(page, "second-factor-passkey", viewport, scheme)
    key.taps(True)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(lambda address: "/login" not in address)
    page.goto("/settings/sessions")
    assert page.get_by_text("by password and passkey").count()
    page.goto("/sudo?next=/settings/tokens")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(lambda address: urlsplit(address).path == "/settings/tokens")

    # A twin that answers a challenge of before the last use, counting on from there, is found out by what came between.
    page.goto("/sudo?next=/settings/tokens")
    old = page.evaluate(ASK)
    real = key.credentials()[0]
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(lambda address: urlsplit(address).path == "/settings/tokens")
    key.send("removeCredential", authenticatorId=key.id, credentialId=real["credentialId"])
    key.send("addCredential", authenticatorId=key.id, credential=real)
    page.goto("/sudo?next=/settings/tokens")
    watch.expected.append("403")
    assert page.evaluate(ANSWER, old) == 403

    # One that counts backwards has a twin.
    twin = {**key.credentials()[0], "signCount": 1}
    key.send("removeCredential", authenticatorId=key.id, credentialId=twin["credentialId"])
    key.send("addCredential", authenticatorId=key.id, credential=twin)
    watch.expected.append("403")
    page.goto("/sudo?next=/settings/tokens")
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_text("This passkey was not accepted.").wait_for()

    page.goto("/settings/authentication")
    page.get_by_text("Rename", exact=True).click()
    page.get_by_label("New name of A laptop").fill("Another")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Passkey renamed.").wait_for()
    page.wait_for_load_state()
    page.get_by_role("button", name="Remove Another").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    page.get_by_text("The passkey was removed.").wait_for()
    context.close()
    problems += watch.errors
    assert not problems, "\n".join(problems)
