"""Jobs of CI that publish without a secret: the real client, in what GitHub Actions sets around it."""

import base64
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from harness.clients import client_env
from harness.people import PASSWORD, TOKENS
from harness.visitor import Visitor
from huggingface_hub import HfApi

# An RSA key of these tests, by its primes.
P = int(
    "e4460b96fa8601bc5bca44396ed6a4b56b8c86d84cdc2dcc7d95c035887f5daf5d9e26f1dd8e0fc9e34d3b1fd447ec561584"
    "2594e3612a3b8094ccf6c7242c5f0a9234ee8426cb127e45d50d98ebfa9151fb9294103b9e34b620adcf85f23a38e65bbfe0"
    "cf585de88fa52900fe35030e1492654fe516b96532a44189295a7653",
    16,
)
Q = int(
    "cc944a6b1799ee2533c6a7d4591a7f492853007e3c09cb61d9ac2e1ecc587cc7b97d0b1cde571e5bbb2c9a4933c665ea294d"
    "02172d1c7183a0b77c79d71880980dbad13344a940511fc268fee25cc89fd67b55fb3ceb5c4c353117e0c5439f294acb78a7"
    "9820b0771df7ea7cd935702199abc2ee82ac44b8ec4952482c45fc5f",
    16,
)
N, E = P * Q, 65537
# What stands before a SHA-256 in a signature (RFC 8017, 9.2).
SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")
RUNNER_TOKEN = "what only the runner knows"

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("huggingface_hub._oidc") is None, reason="this client knows no trusted publishers"
)
calls = pytest.mark.calls


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(claims: dict) -> str:
    """Signs as GitHub does: RS256."""
    parts = [encoded(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT", "kid": "k"}, claims)]
    digest = SHA256_PREFIX + hashlib.sha256(".".join(parts).encode()).digest()
    padded = b"\x00\x01" + b"\xff" * (256 - 3 - len(digest)) + b"\x00" + digest
    signature = pow(int.from_bytes(padded), pow(E, -1, (P - 1) * (Q - 1)), N)
    return ".".join([*parts, encoded(signature.to_bytes(256))])


class Ci(ThreadingHTTPServer):
    """GitHub's issuer, and what a runner of its asks for ID tokens."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.given = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def id_token(self, audience: str) -> str:
        self.given += 1
        now = int(time.time())
        return signed(
            {
                "iss": self.url, "aud": audience, "sub": "repo:octo/bert:ref:refs/heads/main", "jti": f"job-{self.given}",
                "iat": now, "nbf": now, "exp": now + 300, "repository": "octo/bert", "repository_id": "7",
                "ref": "refs/heads/main", "ref_type": "branch",
                "workflow_ref": "octo/bert/.github/workflows/release.yml@refs/heads/main",
            }  # fmt: skip
        )

    def env(self) -> dict[str, str]:
        """What GitHub sets in a job with `permissions: id-token: write`."""
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}/token",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": RUNNER_TOKEN,
        }


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        path = urlsplit(self.path)
        key = {"kty": "RSA", "kid": "k", "use": "sig", "alg": "RS256", "n": encoded(N.to_bytes(256)), "e": "AQAB"}
        if path.path == "/.well-known/openid-configuration":
            answer = {"issuer": self.server.url, "jwks_uri": f"{self.server.url}/keys"}
        elif path.path == "/keys":
            answer = {"keys": [key]}
        elif path.path == "/token" and self.headers["Authorization"] == f"Bearer {RUNNER_TOKEN}":
            answer = {"value": self.server.id_token(parse_qs(path.query)["audience"][0])}
        else:
            self.send_error(404)
            return
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def ci():
    server = Ci()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def trusting(ci, own_hub):
    """A hub on which bob's `bert` trusts `octo/bert`, and `other` nobody."""
    hub = own_hub({"HUB_PUBLISHERS_ISSUERS": f"github+{ci.url}"})
    api = HfApi(endpoint=hub.url, token=TOKENS["bob"])
    for name in ("bert", "other"):
        api.create_repo(f"bob/{name}", private=True)
    bob = Visitor(hub.url)
    bob.submit("/login", "/login", username="bob", password=PASSWORD)
    path = "/bob/bert/settings/publishers"
    page = bob.submit(path, path, issuer=ci.url, project="octo/bert", workflow="release.yml")
    assert "The publisher is trusted now." in page
    return hub


@pytest.fixture
def job(trusting, tmp_path):
    """Runs `hf` in a job, where nobody is logged in."""
    program = Path(sys.executable).with_name("hf")

    def run(*arguments, **env):
        env = {**os.environ, **client_env(trusting.url, tmp_path / "runner"), **env}
        env.pop("HF_TOKEN", None)
        return subprocess.run([program, *arguments], env=env, capture_output=True, text=True, timeout=120)

    return run


@calls("HF_OIDC_RESOURCE (trusted publishers)", "hf upload")
def test_a_job_uploads_without_a_secret(ci, trusting, job, written):
    path = written("out.txt", b"built\n")
    env = {**ci.env(), "HF_OIDC_RESOURCE": "bob/bert"}
    for n in (1, 2):
        done = job("upload", "bob/bert", str(path), f"out-{n}.txt", **env)
        assert done.returncode == 0, done.stdout + done.stderr
    api = HfApi(endpoint=trusting.url, token=TOKENS["bob"])
    assert {"out-1.txt", "out-2.txt"} <= set(api.list_repo_files("bob/bert"))
    authors = api.list_repo_commits("bob/bert")[0].authors
    assert authors == [f"GitHub Actions at {ci.url.removeprefix('http://')}: octo/bert"]
    # Each process asked for an ID token of its own.
    assert ci.given == 2

    done = job("upload", "bob/other", str(path), "out.txt", **env)
    assert done.returncode != 0
    done = job("upload", "bob/other", str(path), "out.txt", **{**env, "HF_OIDC_RESOURCE": "bob/other"})
    assert done.returncode != 0 and "trusts no such publisher" in done.stdout + done.stderr
    assert "out.txt" not in api.list_repo_files("bob/other")


@calls("HF_OIDC_ID_TOKEN (trusted publishers)")
def test_other_ci_gives_the_id_token_itself(ci, trusting, job):
    env = {"HF_OIDC_RESOURCE": "bob/bert", "HF_OIDC_ID_TOKEN": ci.id_token(trusting.url)}
    who = job("auth", "whoami", **env)
    assert who.returncode == 0 and "bob" in who.stdout, who.stdout + who.stderr
    # It is worth nothing a second time, nor made for another hub.
    assert job("auth", "whoami", **env).returncode != 0
    assert job("auth", "whoami", **{**env, "HF_OIDC_ID_TOKEN": ci.id_token("https://huggingface.co")}).returncode != 0
