"""`hub admin rotate-signing-key` changes the key that signs, beside a running hub."""

import urllib.error

import pytest
from harness.hub import Hub
from harness.people import PASSWORD
from harness.visitor import Visitor, csrf_token
from harness.waiting import wait_until


@pytest.fixture
def hub():
    hub = Hub("local")
    yield hub
    hub.stop()


def test_forms_outlive_a_new_key_and_end_when_former_ones_are_forgotten(hub):
    visitor = Visitor(hub.url)
    visitor.submit("/login", "/login", username="carol", password=PASSWORD)
    token = csrf_token(visitor.open("/settings/sessions"))
    said = hub.admin("rotate-signing-key")
    assert "signs in two minutes" in said and "go on verifying: 1." in said, said
    visitor.post("/settings/sessions/end-others", csrf_token=token)

    said = hub.admin("rotate-signing-key", "--forget-older-than", "0")
    assert "signs from now on" in said and "Forgot 2 keys" in said, said

    def is_refused():
        try:
            visitor.post("/settings/sessions/end-others", csrf_token=token)
        except urllib.error.HTTPError as error:
            return error.code == 403
        return False

    wait_until(is_refused)
    visitor.submit("/settings/sessions", "/settings/sessions/end-others")
    assert hub.command("admin", "rotate-signing-key", "--forget-older-than", "soon").returncode == 2
