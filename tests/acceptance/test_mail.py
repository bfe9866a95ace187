"""Mail about a saved search, as a mail server receives it."""

import email.policy
import mailbox
import os
import re
import socket
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest
from harness.hub import Hub
from harness.people import PASSWORD, TOKENS
from harness.process import Child, free_ports
from harness.visitor import Visitor

pytestmark = [pytest.mark.client("an SMTP server (aiosmtpd)"), pytest.mark.any_version]


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True


@pytest.fixture
def server():
    """An SMTP server that keeps what it is sent; yields its port and its mails, each read once."""
    with tempfile.TemporaryDirectory(prefix="hub-mail-") as folder:
        port, box = free_ports(1)[0], Path(folder) / "box"
        mailbox.Maildir(box)
        command = [os.environ["SMTPD"], "-n", "-l", f"127.0.0.1:{port}", "-c", "aiosmtpd.handlers.Mailbox", str(box)]
        child = Child("aiosmtpd", command, {}, Path(folder) / "log")
        # A hub that finds nobody there waits for a minute before it tries again.
        child.wait_until(lambda: listens(port), seconds=60)
        yield port, box
        child.stop()


@pytest.fixture
def hub(server):
    """A hub that sends its mail there, and looks for something new each second."""
    settings = {
        "HUB_MAIL_SMTP_URL": f"smtp://127.0.0.1:{server[0]}",
        "HUB_MAIL_FROM": "The hub <hub@example.org>",
        "HUB_ALERTS_EVERY_SECS": "1",
    }
    hub = Hub(settings=settings)
    yield hub
    hub.stop()


def received(box, count):
    """Waits for as many mails, and returns them in the order they came."""
    deadline = time.monotonic() + 90
    while True:
        paths = sorted((path for path in box.glob("new/*")), key=lambda path: path.stat().st_mtime_ns)
        if len(paths) >= count:
            return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in paths]
        assert time.monotonic() < deadline, f"{len(paths)} mails"
        time.sleep(0.2)


def test_a_digest_arrives_once_and_is_ended_with_one_click(server, hub):
    from huggingface_hub import HfApi

    saved = "/settings/saved-searches"
    carol = Visitor(hub.url)
    carol.submit("/login", "/login", username="carol", password=PASSWORD)
    fields = {"list": "models", "query": "license=mit", "name": "Free models", "alerts": "at_once"}
    carol.submit(f"{saved}/new?list=models", saved, **fields)
    carol.submit(saved, "/settings/confirm-email", next=saved)
    [question] = received(server[1], 1)
    assert question["To"] == "carol@example.org" and question["From"] == "The hub <hub@example.org>"
    link = re.search(r"http\S+", question.get_body(("plain",)).get_content())[0]
    assert "confirmed" in urllib.request.urlopen(link, b"", timeout=30).read().decode()

    api = HfApi(endpoint=hub.url, token=TOKENS["bob"])
    card = b"---\nlicense: mit\n---\n# A model\n"
    for name, private in [("for-all", False), ("for-nobody", True)]:
        api.create_repo(f"bob/{name}", private=private)
        api.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id=f"bob/{name}")
    digest = received(server[1], 2)[1]
    assert digest["Subject"] == "1 new model: Free models" and digest["Auto-Submitted"] == "auto-generated"
    for kind in ("plain", "html"):
        text = digest.get_body((kind,)).get_content()
        assert f"{hub.url}/bob/for-all" in text and "for-nobody" not in text

    # What a mail program does when somebody presses its own button (RFC 8058).
    assert digest["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = digest["List-Unsubscribe"].strip("<>")
    assert address.startswith(f"{hub.url}/saved-searches/")
    with urllib.request.urlopen(address, b"List-Unsubscribe=One-Click", timeout=30) as answer:
        assert answer.status == 200 and answer.url == address
    assert "No mail" in carol.open(saved)
    assert len(received(server[1], 2)) == 2, "the digest came once"


def test_signing_up_ends_in_the_mail_whether_the_address_is_free_or_not(server, hub):
    sent = []
    for name, address in [("newbie", "newbie@example.org"), ("stranger", "carol@example.org")]:
        page = Visitor(hub.url).submit("/join", "/join", username=name, email=address, password="a long enough password 7")
        assert f"We sent a mail to <strong>{address}</strong>" in page
        sent.append(page.replace(address, "ADDRESS"))
    assert sent[0] == sent[1]

    mails = {mail["To"]: mail for mail in received(server[1], 2)}
    told = mails["carol@example.org"]
    assert told["Subject"] == "Somebody tried to sign up with your address"
    text = told.get_body(("plain",)).get_content()
    assert f"{hub.url}/login" in text and f"{hub.url}/forgot-password" in text and "link=" not in text
    link = re.search(r"http\S+", mails["newbie@example.org"].get_body(("plain",)).get_content())[0]
    assert link.startswith(f"{hub.url}/join/confirm?link=")

    newbie = Visitor(hub.url)
    fields = {"link": link.split("link=")[1], "password": "a long enough password 7"}
    assert "Account menu of newbie" in newbie.submit(link.removeprefix(hub.url), "/join/confirm", **fields)
