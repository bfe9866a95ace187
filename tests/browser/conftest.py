"""Starts one hub and one browser per worker; every page is watched for errors and strangers."""

import array
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingUDPServer
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.clients import client_env  # noqa: E402 - found by the path above
from harness.hub import Hub  # noqa: E402 - found by the path above
from harness.people import PASSWORD, TOKENS  # noqa: E402 - found by the path above

from content import collected, gallery, rich  # noqa: E402, F401 - found by the path above; fixtures

# Before anything imports huggingface_hub, which reads its environment only once.
os.environ.update(client_env("http://127.0.0.1:9", Path(tempfile.mkdtemp(prefix="hub-browser-"))))

AXE = Path(__file__).with_name("node_modules") / "axe-core/axe.min.js"
# How long a page may take, on a machine that has other work as well.
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1440, "height": 900}

CARD = """---
license: apache-2.0
language: en
pipeline_tag: text-classification
library_name: transformers
tags: [browser]
---
# A model with a card

Some **bold** text and `code`, a footnote[^1] and a [link](#numbers).

## Numbers

| metric | value |
|---|---:|
| accuracy | 0.93 |

- [x] trained
- [ ] evaluated

```python
print("hello")
```

$$E = mc^2$$

<script>document.title = "owned"</script>
<img src="README.md" onerror="document.title = 'owned'">

[^1]: The footnote.
"""


class Proofs(BaseHTTPRequestHandler):
    """The web server of all mail domains: what `hub.proofs` says of each."""

    def do_GET(self):
        text = self.server.texts.get(self.path.removeprefix("/"))
        self.send_response(200 if text else 404)
        self.end_headers()
        self.wfile.write((text or "").encode())

    def log_message(self, *_):
        pass


class Names(BaseRequestHandler):
    """The name server of all mail domains, which knows no record."""

    def handle(self):
        packet, socket = self.request
        question = packet[12 : packet.index(0, 12) + 5]
        socket.sendto(packet[:2] + bytes.fromhex("8183 0001 0000 0000 0000") + question, self.client_address)


@pytest.fixture(scope="session")
def hub():
    # What stands at the addresses where mail domains are proven.
    proofs = ThreadingHTTPServer(("127.0.0.1", 0), Proofs)
    proofs.texts = {}
    threading.Thread(target=proofs.serve_forever, daemon=True).start()
    names = ThreadingUDPServer(("127.0.0.1", 0), Names)
    threading.Thread(target=names.serve_forever, daemon=True).start()
    # It looks for something new in saved searches each second, so that nobody waits for its mail.
    settings = {
        "HUB_ALERTS_EVERY_SECS": "1",
        "HUB_SSH_ADDRESS": "127.0.0.1:0",
        "HUB_DOMAINS_PROOF_URL": f"http://127.0.0.1:{proofs.server_port}/{{domain}}",
        "HUB_DOMAINS_NAMESERVER": f"127.0.0.1:{names.server_address[1]}",
    }
    hub = Hub(settings=settings)
    hub.proofs = proofs.texts
    yield hub
    hub.stop()
    proofs.shutdown()
    names.shutdown()


@pytest.fixture(scope="session")
def chromium():

    # Chromium's own sandbox does not start under root, which is what CI is.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=arguments)
        yield browser
        browser.close()


class Watch:
    """What a page must not do: log errors, throw, or talk to anyone but the hub."""

    def __init__(self, context, url):
        self.errors = []
        self.hosts = {urlsplit(url).netloc}
        self.expected = []
        context.on("request", self._request)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.errors.append(f"thrown: {error.error}"))

    def _request(self, request):
        address = urlsplit(request.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.netloc not in self.hosts:
            self.errors.append(f"request to {request.url}")

    def _console(self, message):
        if message.type in ("error", "warning") and not any(text in message.text for text in self.expected):
            self.errors.append(f"{message.type} on {message.page.url if message.page else '?'}: {message.text}")


@pytest.fixture
def open_browser(chromium, hub):
    """Opens a fresh browser window; what it complains about fails the test in the end."""
    opened = []

    def open_browser(viewport=DESKTOP, **options):
        context = chromium.new_context(viewport=viewport, base_url=hub.url, locale="en-GB", **options)
        context.set_default_timeout(PATIENCE_MS)
        watch = Watch(context, hub.url)
        opened.append((context, watch))
        page = context.new_page()
        page.watch = watch
        page.has_scripts = options.get("java_script_enabled", True)
        return page

    yield open_browser
    complaints = []
    for context, watch in opened:
        context.close()
        complaints += watch.errors
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def hf(hub, tmp_path):
    """Runs the `hf` command with a token."""
    program = Path(sys.executable).with_name("hf")

    def run(*arguments, token):
        env = {**os.environ, **client_env(hub.url, tmp_path / "home"), "HF_TOKEN": token}
        done = subprocess.run([program, *arguments], env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def shown(hub):
    """A model and a dataset of ada's, there for every test to look at."""
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    model = {"README.md": CARD.encode(), "config.json": b'{"model_type": "bert"}', "src/train.py": b"print(1)\n"}
    for repo_id, repo_type, files in [
        ("ada/shown", "model", {**model, "w.bin": b"\0" * 5000}),
        ("acme/shown-data", "dataset", {"README.md": CARD.encode(), "data.csv": b"a,b\n1,2\n"}),
    ]:
        api.create_repo(repo_id, repo_type=repo_type)
        adds = [CommitOperationAdd(path, content) for path, content in files.items()]
        api.create_commit(repo_id, adds, commit_message="Add files", repo_type=repo_type)
    return "/ada/shown"


def safetensors(layers):
    """Returns a small model file; each layer is a square matrix of as many numbers as were given."""
    header, data = {}, b""
    for number, layer in enumerate(layers):
        block, side = array.array("f", layer).tobytes(), int(len(layer) ** 0.5)
        offsets = [len(data), len(data) + len(block)]
        header[f"encoder.layer.{number}.weight"] = {"dtype": "F32", "shape": [side, side], "data_offsets": offsets}
        data += block
    head = json.dumps(header).encode()
    return struct.pack("<Q", len(head)) + head + data


@pytest.fixture(scope="session")
def related(hub):
    """A model of acme's, and one of ada's that was trained from it, which the hub has noticed."""
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    noise = random.Random(7)
    base = [[noise.uniform(-1, 1) for _ in range(64 * 64)] for _ in range(6)]
    # The first two layers stay, the others move, the last ones further.
    tuned = [[number + 0.02 * max(0, at - 1) * noise.uniform(-1, 1) for number in layer] for at, layer in enumerate(base)]
    for repo_id, licence, layers in (("acme/base", "mit", base), ("ada/tuned", "apache-2.0", tuned)):
        api.create_repo(repo_id)
        api.upload_file(path_or_fileobj=safetensors(layers), path_in_repo="model.safetensors", repo_id=repo_id)
        card = f"---\nlicense: {licence}\n---\n# A model\n".encode()
        api.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id=repo_id)
    headers = {"Authorization": f"Bearer {TOKENS['ada']}"}
    request = urllib.request.Request(f"{hub.url}/api/models/ada/tuned/lineage", headers=headers)
    deadline = time.monotonic() + 60
    while json.load(urllib.request.urlopen(request))["likelyParent"] != "acme/base":
        assert time.monotonic() < deadline, "the parent is not found"
        time.sleep(0.2)
    return "/ada/tuned"


@pytest.fixture
def repo(hub):
    """A fresh model of ada's, and its API."""
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    name = f"ada/{uuid.uuid4().hex[:10]}"
    api.create_repo(name)
    files = {"README.md": b"# Hello\n", "src/train.py": b"import os\n\nrate = 0.001\nprint(rate)\n", "conf/a b.yaml": b"a: 1\n"}
    adds = [CommitOperationAdd(path, content) for path, content in files.items()]
    api.create_commit(name, adds, commit_message="Add files")
    return name


@pytest.fixture(scope="session")
def buckets(hub):
    """Two buckets of ada's, one with files and one without."""
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    files = [(os.urandom(300_000 + 7_000 * number), f"checkpoints/step-{number:05}/model.safetensors") for number in (500, 1000)]
    files += [(b"loss 0.1\n" * 400, f"logs/{day:02}/train.log") for day in range(1, 4)]
    files += [(b"step,loss\n1,0.9\n", "metrics.csv"), (b"a name that is longer than a phone is wide\n", f"notes-{'very-' * 9}long.txt")]
    api.batch_bucket_files(api.create_bucket("ada/training-run").bucket_id, add=files)
    api.create_bucket("ada/fresh", private=True)
    return "/buckets/ada/training-run"


def log_in(page, name="ada"):
    """Logs in through the form."""
    page.goto("/login")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda address: "/login" not in address)


def sign_up(page, start):
    """Signs somebody new up through the form, whose address is at example.org, and returns the name."""
    name = f"{start}{uuid.uuid4().hex[:8]}"
    page.goto("/signup")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Email").fill(f"{name}@example.org")
    page.get_by_label("Password", exact=True).fill("a long enough password 7")
    page.get_by_role("main").get_by_role("button", name="Sign up").click()
    page.wait_for_url(lambda address: "/signup" not in address)
    return name


def picture(page, name):
    """Leaves a picture in $HUB_SCREENSHOTS, when somebody wants to look."""
    if folder := os.environ.get("HUB_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
