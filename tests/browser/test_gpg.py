"""GPG keys, by people with a browser."""

import subprocess

import pytest
from conftest import DESKTOP, PHONE, log_in
from test_accounts import look


@pytest.fixture(scope="module")
def public_key(tmp_path_factory):
    home = tmp_path_factory.mktemp("gpg")
    home.chmod(0o700)

    def gpg(*arguments):
        command = ["gpg", "--batch", "--quiet", "--homedir", home, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    gpg("--passphrase", "", "--quick-gen-key", "Carol <carol@somewhere-else.example.org>", "ed25519", "sign", "2y")
    yield gpg("--armor", "--export")
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"], check=True)


@pytest.mark.parametrize(("viewport", "scheme"), [(PHONE, "light"), (PHONE, "dark"), (DESKTOP, "light"), (DESKTOP, "dark")])
def test_keys_are_added_and_removed(open_browser, public_key, viewport, scheme):
    page = open_browser(viewport, color_scheme=scheme)
    log_in(page, "carol")
    page.watch.expected.append("400")
    page.goto("/settings/gpg-keys")
    page.get_by_label("Public key").fill("no key at all")
    page.get_by_role("button", name="Add key").click()
    page.get_by_text("Paste one public key").wait_for()
    problems = look(page, "gpg-keys-refused", viewport, scheme)
    page.get_by_label("Public key").fill(public_key)
    page.get_by_role("button", name="Add key").click()
    page.get_by_text("GPG key added.").wait_for()
    page.get_by_text("carol@somewhere-else.example.org", exact=True).wait_for()
    problems += look(page, "gpg-keys", viewport, scheme)
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    page.get_by_text("No GPG keys yet").wait_for()
    assert not problems, "\n".join(problems)
