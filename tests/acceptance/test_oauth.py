"""Signing in to applications with the hub, by the libraries with which applications are written."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from harness.people import PASSWORD
from harness.visitor import Visitor

SCRIPT = Path(__file__).with_name("oauth_apps.py")
JS_VERSION = json.loads((SCRIPT.parent / "js/package.json").read_text())["dependencies"]["@huggingface/hub"]
calls = pytest.mark.calls


def run(url, case):
    env = {**os.environ, "HUB_URL": url, "HUB_PERSON": "bob", "HUB_PASSWORD": PASSWORD}
    env["OAUTH_SCRIPT"] = str(SCRIPT.parent / "js/oauth.mjs")
    done = subprocess.run([os.environ["OAUTH_PYTHON"], SCRIPT, case], env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.any_version
@calls("attach_huggingface_oauth", "parse_huggingface_oauth")
def test_an_application_with_fastapi_knows_who_signed_in(url):
    run(url, "fastapi")


@pytest.mark.any_version
@pytest.mark.client("Authlib 1.9.10")
@calls("OAuth2Client")
def test_a_program_signs_in_with_pkce_and_checks_the_id_token(url):
    run(url, "authlib")


@pytest.mark.any_version
@pytest.mark.client(f"@huggingface/hub {JS_VERSION}")
@calls("oauthLoginUrl", "oauthHandleRedirect")
def test_a_page_signs_in_as_javascript_does(url):
    run(url, "javascript")


@pytest.mark.skipif(version("huggingface_hub") < "2", reason="it has no login by browser")
@calls("hf auth login (browser)")
def test_the_command_line_signs_in_by_a_browser(url, home):
    program = Path(sys.executable).with_name("hf")
    env = {**home, "PYTHONUNBUFFERED": "1"}
    env.pop("HF_TOKEN", None)
    login = subprocess.Popen([program, "auth", "login", "--force", "--format", "agent"], env=env, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)  # fmt: skip
    try:
        line = login.stdout.readline()
        path, code = re.search(r"(/oauth/device\?user_code=\S+) .* code (\S+)\.", line).groups()
        person = Visitor(url)
        person.submit("/login", "/login", username="bob", password=PASSWORD)
        assert "Act as you" in person.open(path)
        assert "is signed in" in person.submit(path, "/oauth/device/answer", user_code=code, answer="allow")
        rest, _ = login.communicate(timeout=60)
    finally:
        login.kill()
    assert login.returncode == 0 and "logged in as bob" in rest, line + rest
    who = subprocess.run([program, "auth", "whoami"], env=env, capture_output=True, text=True, timeout=60)
    assert "bob" in who.stdout, who.stdout + who.stderr
