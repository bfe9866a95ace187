"""Webhooks: what `huggingface_hub` makes of them, and a receiver that reads what comes with the client's own model."""

import base64
import hashlib
import hmac
import json
import re
import threading
import time
import typing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from huggingface_hub import CommitOperationAdd, WebhookPayload, constants
from huggingface_hub.errors import HfHubHTTPError

calls = pytest.mark.calls
SECRET = "a-Secret-of-bob's"


@pytest.fixture
def receiver():
    """A program that takes deliveries: `url`, and `wait_for(event)`, which gives what came by then."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            self.server.got.append((dict(self.headers.items()), body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.got = []
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def wait_for(scope, action, number=1):
        deadline = time.monotonic() + 60
        while True:
            found = [one for one in server.got if json.loads(one[1])["event"] == {"scope": scope, "action": action}]
            if len(found) >= number:
                return found[number - 1]
            assert time.monotonic() < deadline, f"{scope} {action} did not come, but {server.got}"
            time.sleep(0.05)

    server.wait_for = wait_for
    server.url = f"http://127.0.0.1:{server.server_port}/hook"
    yield server
    server.shutdown()


@pytest.fixture
def repo_id(new_repo):
    """A Space of bob's."""
    return new_repo("space")


@pytest.fixture
def webhook(api, receiver, repo_id):
    """A webhook of bob's that hears of all that happens to it."""
    made = api.create_webhook(url=receiver.url, watched=[{"type": "space", "name": repo_id}], secret=SECRET)
    yield made
    api.delete_webhook(made.id)


@calls("HfApi.create_webhook", "HfApi.get_webhook", "HfApi.list_webhooks", "HfApi.update_webhook")
@calls("HfApi.enable_webhook", "HfApi.disable_webhook", "HfApi.delete_webhook")
def test_a_webhook_is_made_changed_switched_and_deleted(api, api_of, new_repo):
    repo_id = new_repo("dataset")
    watched = [{"type": "user", "name": "bob"}, {"type": "dataset", "name": repo_id}]
    made = api.create_webhook(url="http://127.0.0.1:9/hook", watched=watched, domains=["repo"], secret=SECRET)
    assert (made.url, made.domains, made.secret, made.disabled, made.job) == ("http://127.0.0.1:9/hook", ["repo"], SECRET, False, None)
    assert [(item.type, item.name) for item in made.watched] == [("user", "bob"), ("dataset", repo_id)]
    assert api.get_webhook(made.id) == made
    assert made in api.list_webhooks()
    assert not api_of("dave").list_webhooks()
    changed = api.update_webhook(made.id, url="http://127.0.0.1:9/other", domains=["repo", "discussion"])
    assert (changed.url, changed.domains, changed.watched) == ("http://127.0.0.1:9/other", ["repo", "discussion"], made.watched)
    assert api.disable_webhook(made.id).disabled and not api.enable_webhook(made.id).disabled
    with pytest.raises(HfHubHTTPError) as refused:
        api_of("dave").get_webhook(made.id)
    assert refused.value.response.status_code == 404
    api.delete_webhook(made.id)
    assert made.id not in [webhook.id for webhook in api.list_webhooks()]


@calls("hf webhooks")
def test_webhooks_by_command(hf, api, new_repo):
    repo_id = new_repo()
    watched = ("--watch", f"model:{repo_id}", "--watch", "org:acme")
    printed = hf("webhooks", "create", "--url", "http://127.0.0.1:9/hook", *watched, "--domain", "repo", "--secret", SECRET)
    webhook = re.search(r"[0-9a-f]{24}", printed)[0]
    assert webhook in hf("webhooks", "ls", "--format", "json")
    # Older clients say "discussions", and take no other word.
    word = next(word for word in typing.get_args(constants.WEBHOOK_DOMAIN_T) if word != "repo")
    hf("webhooks", "update", webhook, "--url", "http://127.0.0.1:9/other", "--domain", word)
    hf("webhooks", "disable", webhook)
    found = api.get_webhook(webhook)
    assert (found.url, found.domains, found.disabled) == ("http://127.0.0.1:9/other", ["discussion"], True)
    assert {(item.type, item.name) for item in found.watched} == {("model", repo_id), ("org", "acme")}
    hf("webhooks", "enable", webhook)
    assert "http://127.0.0.1:9/other" in hf("webhooks", "info", webhook, "--format", "json")
    hf("webhooks", "delete", webhook, "--yes")
    assert webhook not in {one.id for one in api.list_webhooks()}


@calls("WebhookPayload")
def test_what_comes_is_what_the_client_reads(api, receiver, webhook, repo_id):
    add = CommitOperationAdd("a.txt", b"a")
    sha = api.create_commit(repo_id, [add], commit_message="Add", repo_type="space").oid

    headers, body = receiver.wait_for("repo.content", "update")
    payload = WebhookPayload.model_validate_json(body)
    assert (payload.repo.name, payload.repo.type, payload.webhook.id) == (repo_id, "space", webhook.id)
    assert payload.repo.subdomain == repo_id.replace("/", "-")
    assert [(ref.ref, ref.newSha) for ref in payload.updatedRefs] == [("refs/heads/main", sha)]
    headers = {name.lower(): value for name, value in headers.items()}
    assert headers["x-webhook-secret"] == SECRET
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"

    discussion = api.create_discussion(repo_id, title="A question", description="Why?", repo_type="space")
    payload = WebhookPayload.model_validate_json(receiver.wait_for("discussion", "create")[1])
    assert (payload.discussion.num, payload.comment.content) == (discussion.num, "Why?")
    comment = api.comment_discussion(repo_id, discussion.num, comment="Because.", repo_type="space")
    payload = WebhookPayload.model_validate_json(receiver.wait_for("discussion.comment", "create")[1])
    assert (payload.comment.id, payload.comment.content) == (comment.id, "Because.")
    assert payload.comment.url.web == f"{discussion.url}#{comment.id}"

    api.move_repo(repo_id, f"{repo_id}-moved", repo_type="space")
    payload = WebhookPayload.model_validate_json(receiver.wait_for("repo", "move")[1])
    assert (payload.repo.name, payload.movedTo.name) == (repo_id, f"{repo_id}-moved")
    api.delete_repo(f"{repo_id}-moved", repo_type="space")
    WebhookPayload.model_validate_json(receiver.wait_for("repo", "delete")[1])
    for _, body in receiver.got:
        WebhookPayload.model_validate_json(body)
