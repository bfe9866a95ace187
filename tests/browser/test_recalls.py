"""A recall, as its owner, a reader and a moderator see it."""

import hashlib
import uuid

import pytest
from conftest import log_in
from harness.people import TOKENS
from huggingface_hub import CommitOperationAdd, HfApi
from playwright.sync_api import expect
from test_moderation import look


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_an_owner_and_a_moderator_recall_files(open_browser, hub, scripts):
    api = HfApi(endpoint=hub.url, token=TOKENS["bob"])
    repo, weights = f"bob/recalled-{uuid.uuid4().hex[:8]}", uuid.uuid4().bytes * 2000
    api.create_repo(repo)
    files = {"README.md": b"# A model\n", "weights.bin": weights, "tool.py": b"print('hello')\n"}
    api.create_commit(repo, [CommitOperationAdd(path, content) for path, content in files.items()], commit_message="Add files")
    dave, bob, ada = (open_browser(java_script_enabled=scripts) for _ in range(3))
    bob.watch.expected += ["Failed to load resource"]

    # The owner, from the page of the file; the form says what is missing.
    log_in(bob, "bob")
    bob.goto(f"/{repo}/blob/main/weights.bin")
    bob.get_by_role("link", name="Recall", exact=True).click()
    expect(bob.get_by_label("Files")).to_have_value("weights.bin")
    bob.get_by_label("What is wrong").select_option("Wrong or damaged")
    bob.get_by_label("What to use instead").fill("@main")
    bob.get_by_label("Say why").fill("Bad.")
    bob.get_by_role("button", name="Recall", exact=True).click()
    bob.get_by_text("Say why, in 10 to 8000 characters").wait_for()
    if scripts:
        look(bob, "recall-form")
    bob.get_by_label("Say why").fill("The **last layer** was never trained: what it says is chance.\n\nTrain again what you made of it.")
    bob.get_by_role("button", name="Recall", exact=True).click()
    bob.get_by_text("Recalled: nobody can download it").wait_for()
    bob.get_by_text("people were told").wait_for()
    if scripts:
        look(bob, "recall-owner")

    # A reader, without an account.
    dave.goto(f"/{repo}")
    dave.get_by_text("A file of this model was recalled.").wait_for()
    dave.goto(f"/{repo}/blob/main/weights.bin")
    dave.get_by_text("This file was recalled because it is wrong or damaged").wait_for()
    expect(dave.get_by_role("link", name="Download")).to_have_count(0)
    if scripts:
        look(dave, "recall-file")
    dave.get_by_role("link", name="Read more").click()
    dave.get_by_text("was never trained").wait_for()
    dave.get_by_role("link", name="All recalls").click()
    dave.get_by_label("Is a file recalled that you have?").fill(hashlib.sha256(weights).hexdigest())
    dave.get_by_role("button", name="Look").click()
    dave.get_by_role("link", name=f"weights.bin of {repo}").wait_for()
    if scripts:
        look(dave, "recall-list")

    # It ends, and a moderator recalls the same everywhere.
    bob.get_by_label("Why is it withdrawn?").fill("It was another file.")
    bob.get_by_role("button", name="Withdraw the recall").click()
    bob.get_by_text("This recall is withdrawn").wait_for()
    log_in(ada, "ada")
    ada.goto("/recalls")
    ada.get_by_role("link", name="Recall by hash").click()
    ada.get_by_label("Hashes").fill(hashlib.sha256(weights).hexdigest())
    ada.get_by_label("What is wrong").select_option("Malicious")
    ada.get_by_label("Say why").fill("It runs code when it is loaded.")
    ada.get_by_role("button", name="Recall", exact=True).click()
    ada.get_by_role("link", name=repo).wait_for()
    bob.goto(f"/{repo}/blob/main/weights.bin")
    bob.get_by_text("This file was recalled because it is malicious").wait_for()
