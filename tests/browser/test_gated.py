"""A gated repository: one asks for the files, another lets them in, and they are downloaded."""

import urllib.request
import uuid

import pytest
from conftest import DESKTOP, PHONE, log_in, picture
from harness.people import TOKENS
from playwright.sync_api import expect

CARD = """---
license: other
extra_gated_heading: Acknowledge the licence to download the files
extra_gated_prompt: |
  By asking you agree **not to do harm** with it:

  - in research,
  - or anywhere else.
extra_gated_fields:
  Company: text
  Country: country
  Date of birth: date_picker
  I want to use this model for:
    type: select
    options:
      - Research
      - label: Something else
        value: other
  I agree to use it for nothing bad: checkbox
extra_gated_button_content: Acknowledge and ask
---
# A model behind a gate

What it is good for.
"""


@pytest.fixture
def gated(hub):
    """A fresh gated model of acme's, which ada and bob may write to."""
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    repo_id = f"acme/gated-{uuid.uuid4().hex[:8]}"
    api.create_repo(repo_id)
    adds = [CommitOperationAdd("README.md", CARD.encode()), CommitOperationAdd("data.txt", b"the files\n")]
    api.create_commit(repo_id, adds, commit_message="Add files")
    api.update_repo_settings(repo_id, gated="manual")
    return repo_id


def ask(page, repo_id):
    page.goto(f"/{repo_id}")
    page.get_by_label("Company").fill("Harbour works")
    page.get_by_label("Country").select_option("France")
    page.get_by_label("Date of birth").fill("1990-05-17")
    page.get_by_label("I want to use this model for").select_option("Something else")
    page.get_by_label("I agree to use it for nothing bad").check()
    page.get_by_role("button", name="Acknowledge and ask").click()
    page.get_by_text("awaiting a review from the repo authors").wait_for()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_one_asks_and_the_other_accepts(open_browser, gated, scripts):
    dave, bob = open_browser(java_script_enabled=scripts), open_browser(java_script_enabled=scripts)
    dave.watch.expected += ["Failed to load resource"]
    dave.goto(f"/{gated}")
    dave.get_by_role("heading", name="Acknowledge the licence").wait_for()
    assert dave.get_by_label("Company").count() == 0
    dave.get_by_role("link", name="Log in to ask for access").click()
    dave.get_by_label("Username").fill("dave")
    dave.get_by_label("Password").fill("correct horse battery staple")
    dave.get_by_role("main").get_by_role("button", name="Log in").click()
    dave.wait_for_url(f"**/{gated}")
    # A file leads back to the gate.
    dave.goto(f"/{gated}/blob/main/data.txt")
    dave.get_by_role("link", name="Back to the repository").click()
    assert dave.request.get(f"/{gated}/resolve/main/data.txt").status == 403
    ask(dave, gated)
    assert dave.request.get(f"/{gated}/resolve/main/data.txt").status == 403
    log_in(bob, "bob")
    bob.goto(f"/{gated}")
    bob.get_by_text("1 person asks for access.").wait_for()
    bob.get_by_role("link", name="Access requests").click()
    card = bob.get_by_role("listitem").filter(has_text="dave@example.org")
    for text in ("Harbour works", "France", "1990-05-17", "other", "Yes"):
        card.get_by_text(text, exact=True).wait_for()
    bob.get_by_role("button", name="Accept dave").click()
    bob.get_by_text("1 request was accepted.").wait_for()
    dave.goto(f"/{gated}")
    dave.get_by_text("You have been granted access to this model").wait_for()
    dave.goto(f"/{gated}/blob/main/data.txt")
    dave.get_by_text("the files").wait_for()
    with dave.expect_download() as started:
        dave.get_by_role("link", name="Download", exact=True).click()
    assert started.value.suggested_filename == "data.txt"
    assert open(started.value.path()).read() == "the files\n"
    bob.goto(f"/{gated}/settings/access-requests?status=accepted")
    bob.get_by_label("Reason, for those you reject").fill("It was a mistake.")
    bob.get_by_role("checkbox", name="dave").check()
    bob.get_by_role("button", name="Reject", exact=True).click()
    bob.get_by_text("1 request was rejected.").wait_for()
    dave.goto(f"/{gated}")
    dave.get_by_text("They gave a reason: It was a mistake.").wait_for()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_decision_is_taken_back(open_browser, gated, scripts):
    dave, bob, ada = (open_browser(java_script_enabled=scripts) for _ in range(3))
    log_in(dave, "dave")
    ask(dave, gated)
    log_in(bob, "bob")
    bob.goto(f"/{gated}/settings/access-requests")
    bob.get_by_label("Reason, for those you reject").fill("By mistake.")
    bob.get_by_role("button", name="Reject dave").click()
    bob.get_by_text("1 request was rejected.").wait_for()
    bob.goto(f"/{gated}/settings/access-requests?status=rejected")
    picture(bob, f"gated-take-back-{scripts}")
    bob.get_by_role("button", name="Take back the decision about dave").click()
    bob.get_by_text("The request of dave waits again.").wait_for()
    dave.goto(f"/{gated}")
    dave.get_by_text("awaiting a review from the repo authors").wait_for()
    # Admins find it in the history, where the undo is undone.
    log_in(ada)
    ada.goto(f"/{gated}/settings/history")
    ada.get_by_text("Rejected the request of dave").wait_for()
    ada.get_by_text("Undone by bob").wait_for()
    ada.get_by_role("button", name="Undo: Put the request of dave back among those that wait").click()
    if scripts:
        ada.get_by_role("dialog").get_by_role("button", name="Undo").click()
    ada.get_by_text("The request of dave is rejected again.").wait_for()
    dave.goto(f"/{gated}")
    dave.get_by_text("They gave a reason: By mistake.").wait_for()


def test_what_is_missing_is_said_beside_the_field(open_browser, gated):
    page = open_browser(java_script_enabled=False)
    page.watch.expected += ["Failed to load resource"]
    log_in(page, "dave")
    page.goto(f"/{gated}")
    # Browsers would stop this one themselves.
    page.get_by_label("Company").fill(" ")
    page.get_by_label("Country").select_option("Iceland")
    page.get_by_label("Date of birth").fill("1990-05-17")
    page.get_by_label("I want to use this model for").select_option("Research")
    page.get_by_label("I agree to use it for nothing bad").check()
    page.get_by_role("button", name="Acknowledge and ask").click()
    page.get_by_text("Fill this in.").wait_for()
    expect(page.get_by_label("Company")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Country")).to_have_value("Iceland")
    picture(page, "gate-with-an-error")
    page.get_by_label("Company").fill("Harbour works")
    page.get_by_role("button", name="Acknowledge and ask").click()
    page.get_by_text("awaiting a review").wait_for()
    page.goto("/settings/gated-repos")
    page.get_by_role("button", name=f"Withdraw the request for {gated}").click()
    page.get_by_text("is withdrawn").wait_for()
    page.wait_for_load_state()
    assert page.get_by_role("link", name=gated).count() == 0


def test_somebody_is_let_in_by_name_and_the_gate_is_set(open_browser, hub, gated):
    ada = open_browser()
    log_in(ada)
    ada.goto(f"/{gated}/settings")
    ada.get_by_role("link", name="Access requests").click()
    ada.get_by_text("Nobody waits for a decision.").wait_for()
    ada.get_by_label("Username").fill("dave")
    ada.get_by_role("button", name="Grant access").click()
    ada.get_by_text("dave has access now.").wait_for()
    ada.get_by_text("Let in without asking").wait_for()
    with ada.expect_download() as started:
        ada.get_by_role("link", name="Download all").click()
    assert started.value.suggested_filename.startswith("user-access-report-acme-gated-")
    assert '"user":"dave"' in open(started.value.path()).read()
    with ada.expect_download() as started:
        ada.get_by_role("link", name="CSV").click()
    assert started.value.suggested_filename.endswith(".csv")
    assert '"dave"' in open(started.value.path()).read().splitlines()[1]
    request = urllib.request.Request(
        f"{hub.url}/{gated}/resolve/main/data.txt", headers={"Authorization": f"Bearer {TOKENS['dave']}"}
    )
    assert urllib.request.urlopen(request).read() == b"the files\n"
    ada.goto(f"/{gated}/settings")
    ada.get_by_label("Who asks").check()
    ada.get_by_role("button", name="Save who may download").click()
    ada.get_by_text("Who asks for access gets it at once now.").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_gate_and_the_requests_look_as_meant(open_browser, hub, gated, viewport, scheme):
    """Pictures, and that nothing is wider than the window."""
    from test_pages import axe, overflow, structure

    size = viewport["width"]
    stranger, dave, ada = (open_browser(viewport, color_scheme=scheme) for _ in range(3))

    def look(page, name):
        picture(page, f"{size}-{scheme}-gated-{name}")
        problems = [*axe(page), *overflow(page), *structure(page)]
        assert not problems, f"{name}: {problems}"

    stranger.goto(f"/{gated}")
    look(stranger, "stranger")
    log_in(dave, "dave")
    dave.goto(f"/{gated}")
    look(dave, "form")
    ask(dave, gated)
    look(dave, "waiting")
    dave.goto("/settings/gated-repos")
    look(dave, "own-list")
    log_in(ada)
    ada.goto(f"/{gated}")
    look(ada, "owner")
    ada.goto(f"/{gated}/settings/access-requests")
    look(ada, "requests")
    ada.get_by_label("Reason, for those you reject").fill("Write from your work account, please.")
    ada.get_by_role("button", name="Reject dave").click()
    ada.get_by_text("1 request was rejected.").wait_for()
    ada.get_by_role("link", name="Rejected").click()
    ada.wait_for_url("**status=rejected**")
    look(ada, "rejected-list")
    dave.goto(f"/{gated}")
    look(dave, "rejected")
    ada.get_by_role("button", name="Accept dave").click()
    ada.get_by_text("1 request was accepted.").wait_for()
    ada.get_by_role("link", name="Accepted").click()
    ada.wait_for_url("**status=accepted**")
    look(ada, "accepted-list")
    ada.goto(f"/{gated}/settings")
    look(ada, "settings")
    dave.goto(f"/{gated}")
    look(dave, "granted")
