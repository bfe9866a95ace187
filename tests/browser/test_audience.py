"""What is not for all audiences: the question before it, the setting that spares it, the moderators' label, and switches of the hub."""

import uuid

import pytest
from conftest import log_in
from harness.people import TOKENS
from test_moderation import look

QUESTION = "has been marked as containing sensitive content"


def make(hub, tags=""):
    """Makes a model of bob's and returns its id."""
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["bob"])
    repo_id = f"bob/night-{uuid.uuid4().hex[:8]}"
    api.create_repo(repo_id)
    card = f"---\nlicense: mit\ntags: [{tags}]\n---\n# Night\n\nOwls and bats.\n"
    api.upload_file(path_or_fileobj=card.encode(), path_in_repo="README.md", repo_id=repo_id)
    return repo_id


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_people_are_asked_once_or_say_that_they_want_it(open_browser, hub, scripts):
    repo_id = make(hub, "not-for-all-audiences")
    stranger, dave = (open_browser(java_script_enabled=scripts) for _ in range(2))
    stranger.goto(f"/{repo_id}/blob/main/README.md")
    stranger.get_by_text(QUESTION).wait_for()
    assert stranger.get_by_text("Owls and bats").count() == 0
    stranger.get_by_role("button", name="View content").click()
    stranger.get_by_text("Owls and bats").first.wait_for()
    # The question had the same address.
    stranger.wait_for_url(f"**/{repo_id}/blob/main/README.md")
    stranger.goto(f"/{repo_id}")
    stranger.get_by_text("Owls and bats").wait_for()
    log_in(dave, "dave")
    dave.goto(f"/{repo_id}")
    dave.get_by_role("link", name="settings", exact=True).click()
    for wanted in (True, False):
        dave.get_by_label("Show content that is not for all audiences").set_checked(wanted)
        dave.get_by_role("button", name="Save what you see").click()
        dave.get_by_text("is shown to you without asking." if wanted else "You are asked before content").wait_for()
        dave.goto(f"/{repo_id}")
        dave.get_by_text("Owls and bats" if wanted else QUESTION).wait_for()
        dave.goto("/settings/profile")


def test_moderators_label_a_model_and_its_owner_reads_why(open_browser, hub):
    repo_id = make(hub)
    dave, ada, bob, stranger = (open_browser() for _ in range(4))
    log_in(dave, "dave")
    dave.goto(f"/report?thing=/{repo_id}")
    dave.get_by_label("What is wrong with it?").select_option("Not for all audiences, unlabelled")
    dave.get_by_role("button", name="Send report").click()
    dave.get_by_text("Reported. Moderators look at it").wait_for()
    log_in(ada, "ada")
    ada.goto("/moderation")
    ada.get_by_role("link", name=f"model {repo_id}").click()
    ada.get_by_label("Decision").select_option("Label it as not for all audiences")
    ada.get_by_role("button", name="Decide").click()
    ada.get_by_text("Decided. Its owner and those who reported it are told.").wait_for()
    stranger.goto(f"/{repo_id}")
    stranger.get_by_text(QUESTION).wait_for()
    log_in(bob, "bob")
    bob.goto(f"/{repo_id}/settings")
    look(bob, "label")
    bob.get_by_role("link", name="read why, and appeal").click()
    bob.get_by_text("It is not for all audiences and does not say so.").wait_for()


def test_a_switch_is_turned_and_taken_back(open_browser, hub):
    ada, carol = open_browser(), open_browser()
    carol.watch.expected += ["Failed to load resource"]
    log_in(ada, "ada")
    log_in(carol, "carol")
    ada.goto("/admin/flags")
    ada.get_by_role("link", name="Change New applications").click()
    ada.get_by_label("Turn it").select_option("Off")
    ada.get_by_label("Why").first.fill("Too many of them")
    ada.get_by_role("button", name="Change it").click()
    ada.get_by_text("New applications: off now.").wait_for()
    look(ada, "switches")
    carol.goto("/settings/applications")
    assert carol.get_by_role("link", name="New application").count() == 0
    carol.goto("/settings/applications/new")
    carol.get_by_text("Nobody can register applications on this hub at the moment").wait_for()
    ada.get_by_label("New applications: off").check()
    ada.get_by_label("Why").last.fill("They are gone")
    ada.get_by_role("button", name="Take it back").click()
    ada.get_by_text("New applications: as the settings say now.").wait_for()
    carol.goto("/settings/applications")
    carol.get_by_role("link", name="New application").first.wait_for()
