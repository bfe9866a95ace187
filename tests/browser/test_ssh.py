"""SSH keys, by people with a browser."""

import os
import subprocess
import uuid
from urllib.parse import urlsplit

import pytest
from conftest import DESKTOP, PHONE, log_in
from test_accounts import look


def git(folder, *arguments):
    isolated = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    subprocess.run(["git", *arguments], cwd=folder, env={**os.environ, **isolated}, check=True)


@pytest.mark.parametrize(("viewport", "scheme"), [(PHONE, "light"), (PHONE, "dark"), (DESKTOP, "light"), (DESKTOP, "dark")])
def test_keys_are_added_used_and_removed(open_browser, shown, tmp_path, viewport, scheme):
    page = open_browser(viewport, color_scheme=scheme)
    log_in(page, "carol")
    title = f"laptop-{uuid.uuid4().hex[:6]}"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", title, "-f", tmp_path / "key"], check=True)
    page.watch.expected.append("400")
    page.goto("/settings/keys")
    page.get_by_label("Public key").fill("no key at all")
    page.get_by_role("button", name="Add key").click()
    page.get_by_text("This is not a public key.").wait_for()
    problems = look(page, "ssh-keys-refused", viewport, scheme)
    page.get_by_label("Public key").fill((tmp_path / "key.pub").read_text())
    page.get_by_role("button", name="Add key").click()
    page.get_by_role("heading", name=title).wait_for()
    problems += look(page, "ssh-keys", viewport, scheme)

    # The hub says how to clone with it.
    page.goto(shown)
    page.locator("summary").filter(has_text="Clone").click()
    clone = page.get_by_text("git clone ssh://").first
    clone.wait_for()
    command = clone.inner_text()
    assert shown in command, command
    problems += look(page, "ssh-clone", viewport, scheme)
    address = command.removeprefix("git clone ")
    options = f"-F /dev/null -i {tmp_path / 'key'} -o IdentitiesOnly=yes -o IdentityAgent=none -o StrictHostKeyChecking=accept-new"
    options += f" -o UserKnownHostsFile={tmp_path / 'known'}"
    git(tmp_path, "-c", f"core.sshCommand=ssh {options}", "clone", "-q", address, "clone")
    assert urlsplit(address).username == "git"

    page.goto("/settings/keys")
    page.get_by_role("button", name=f"Remove {title}").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    page.get_by_text("SSH key removed.").wait_for()
    assert not problems, "\n".join(problems)
