"""Moderation by three people: one reports, another takes down, the third appeals, and it comes back."""

import uuid

import pytest
from conftest import DESKTOP, PHONE, log_in, picture, sign_up
from harness.people import TOKENS
from playwright.sync_api import expect
from test_pages import axe, overflow, structure


def look(page, name):
    """Looks for problems of the page at both widths and in both themes, and leaves pictures."""
    found = []
    for label, viewport in (("desktop", DESKTOP), ("phone", PHONE)):
        page.set_viewport_size(viewport)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            found += [f"{name} {label} {theme}: {problem}" for problem in [*axe(page), *overflow(page), *structure(page)]]
            picture(page, f"moderation-{name}-{label}-{theme}")
    page.set_viewport_size(DESKTOP)
    page.emulate_media(color_scheme="light")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_report_a_takedown_an_appeal_and_back(open_browser, hub, scripts):
    from huggingface_hub import HfApi

    repo_id = f"bob/reported-{uuid.uuid4().hex[:8]}"
    HfApi(endpoint=hub.url, token=TOKENS["bob"]).create_repo(repo_id)
    dave, ada, bob = (open_browser(java_script_enabled=scripts) for _ in range(3))
    dave.watch.expected += ["Failed to load resource"]
    log_in(dave, "dave")
    dave.goto(f"/{repo_id}")
    dave.get_by_role("link", name="Report this model").click()
    dave.get_by_label("What is wrong with it?").select_option("Copyright")
    dave.get_by_label("Say more").fill("These weights were trained by my company and are not free.")
    if scripts:
        look(dave, "report")
    dave.get_by_role("button", name="Send report").click()
    dave.get_by_text("Reported. Moderators look at it").wait_for()

    log_in(ada, "ada")
    ada.goto("/moderation/replies")
    title = f"Rights {uuid.uuid4().hex[:6]}"
    ada.get_by_label("Title", exact=True).last.fill(title)
    ada.get_by_label("Text", exact=True).last.fill("Whoever holds the rights to it wrote to us.")
    ada.get_by_role("button", name="Add reply").click()
    ada.get_by_text("Added. Moderators can choose it now.").wait_for()
    if scripts:
        look(ada, "replies")
    ada.goto("/settings/profile")
    ada.get_by_role("link", name="Moderation").click()
    ada.wait_for_url("**/moderation")
    if scripts:
        look(ada, "queue")
    ada.get_by_role("link", name=f"model {repo_id}").click()
    ada.get_by_text("trained by my company").wait_for()
    ada.get_by_label("Decision").select_option("Disable the repository")
    ada.get_by_label("Canned reply").select_option(label=f"{title}: Whoever holds the rights to it wrote to us.")
    ada.get_by_label("Public sentence").fill("A company says that these weights are its own.")
    if scripts:
        look(ada, "case")
    ada.get_by_role("button", name="Decide").click()
    ada.get_by_text("Decided. Its owner and those who reported it are told.").wait_for()

    dave.goto(f"/{repo_id}")
    dave.get_by_role("heading", name="This repository is disabled").wait_for()
    dave.get_by_role("link", name="Read why").click()
    dave.get_by_text("wrote to us. A company says that these weights are its own.").wait_for()
    dave.wait_for_load_state()
    assert dave.get_by_role("link", name="Appeal").count() == 0
    dave.goto("/settings/reports")
    dave.get_by_role("row").filter(has_text=repo_id).get_by_text("Acted on").wait_for()

    log_in(bob, "bob")
    bob.goto(f"/{repo_id}")
    if scripts:
        look(bob, "disabled")
    bob.get_by_role("link", name="Read why, and appeal").click()
    bob.get_by_text("wrote to us. A company says that these weights are its own.").wait_for()
    if scripts:
        look(bob, "notice")
    bob.get_by_role("link", name="Appeal").click()
    bob.get_by_label("Why is the decision wrong?").fill("I trained them myself; the log of the training is in the card.")
    if scripts:
        look(bob, "appeal")
    bob.get_by_role("button", name="Send appeal").click()
    bob.get_by_text("Moderators have not looked at it yet.").wait_for()

    ada.goto("/moderation/appeals")
    if scripts:
        look(ada, "appeals")
    appeal = ada.get_by_role("listitem").filter(has_text=repo_id)
    appeal.get_by_label("Answer").fill("The log shows it: we were wrong.")
    appeal.get_by_role("button", name="Take the decision back").click()
    ada.get_by_text("Granted: the decision is taken back.").wait_for()
    ada.goto("/moderation/log")
    if scripts:
        look(ada, "log")
        ada.goto("/moderation/statistics")
        look(ada, "statistics")
        bob.goto("/settings/reports")
        look(bob, "own")
    dave.goto(f"/{repo_id}")
    dave.get_by_role("link", name="Report this model").wait_for()


def test_an_account_is_removed_from_the_queue_and_comes_back(open_browser, hub):
    spammer = open_browser()
    name = sign_up(spammer, "spam")
    spammer.goto("/settings/profile")
    spammer.get_by_label("About you").fill("Cheap watches, every day.")
    spammer.get_by_role("button", name="Save").first.click()
    spammer.get_by_text("Profile saved.").wait_for()
    dave, ada = open_browser(), open_browser(java_script_enabled=False)
    dave.watch.expected += ["Failed to load resource"]
    log_in(dave, "dave")
    dave.goto(f"/{name}")
    dave.get_by_text("Cheap watches, every day.").wait_for()
    dave.get_by_role("main").get_by_role("link", name="Report", exact=True).click()
    dave.get_by_label("What is wrong with it?").select_option("Spam")
    dave.get_by_role("button", name="Send report").click()
    dave.get_by_text("Reported. Moderators look at it").wait_for()
    log_in(ada, "ada")
    ada.goto("/moderation?category=spam")
    ada.get_by_label(f"Choose user {name}").check()
    ada.get_by_role("button", name="Remove their authors with all they made").click()
    ada.get_by_text("1 case was decided.").wait_for()
    # Who is shut out still gets a copy of their data, after they showed who they are.
    spammer.watch.expected += ["Failed to load resource"]
    spammer.goto("/login")
    spammer.get_by_label("Username").fill(name)
    spammer.get_by_label("Password").fill("a long enough password 7")
    spammer.get_by_role("main").get_by_role("button", name="Log in").click()
    spammer.get_by_role("link", name="Read more, and appeal").click()
    spammer.get_by_role("link", name="take a copy of your data").click()
    spammer.get_by_role("heading", name="A copy of your data").wait_for()
    look(spammer, "data")
    spammer.get_by_label("Password", exact=True).fill("not this one")
    spammer.get_by_role("button", name="Make a copy").click()
    spammer.get_by_text("This is not the password of this account.").wait_for()
    spammer.get_by_label("Password", exact=True).fill("a long enough password 7")
    spammer.get_by_role("button", name="Make a copy").click()
    spammer.get_by_text("The copy is being made.").wait_for()
    dave.goto(f"/{name}")
    assert dave.get_by_text("Cheap watches").count() == 0
    ada.goto("/moderation/log")
    ada.get_by_role("button", name=f"Take back what was done to user {name}").click()
    ada.get_by_text("Taken back: it is as it was before.").wait_for()
    dave.goto(f"/{name}")
    dave.get_by_text("Cheap watches, every day.").wait_for()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_bulk_act_is_undone_at_once(open_browser, hub, scripts):
    from huggingface_hub import HfApi

    repo_ids = [f"bob/mistaken-{uuid.uuid4().hex[:8]}" for _ in range(2)]
    dave, ada = open_browser(), open_browser(java_script_enabled=scripts)
    dave.watch.expected += ["Failed to load resource"]
    log_in(dave, "dave")
    for repo_id in repo_ids:
        HfApi(endpoint=hub.url, token=TOKENS["bob"]).create_repo(repo_id)
        dave.goto(f"/{repo_id}")
        dave.get_by_role("link", name="Report this model").click()
        dave.get_by_label("What is wrong with it?").select_option("Spam")
        dave.get_by_role("button", name="Send report").click()
        dave.get_by_text("Reported. Moderators look at it").wait_for()
    log_in(ada, "ada")
    ada.goto("/moderation?category=spam&kind=repo")
    for repo_id in repo_ids:
        ada.get_by_label(f"Choose model {repo_id}").check()
    ada.get_by_role("button", name="Take down").click()
    ada.get_by_text("2 cases were decided. In the log, all of it can be undone at once.").wait_for()
    dave.goto(f"/{repo_ids[0]}")
    dave.get_by_role("heading", name="This repository is disabled").wait_for()

    # The audit log leads to it, too.
    ada.goto("/admin/audit?whose=bob&action=moderation.disable_repo")
    ada.get_by_role("row").filter(has_text=repo_ids[0]).get_by_role("link", name="Part of a bulk act of 2").click()
    ada.get_by_role("heading", name="A bulk act of 2").wait_for()
    ada.goto("/moderation/log")
    act = ada.get_by_role("list", name="Acts").get_by_role("listitem").filter(has_text=repo_ids[1])
    act.get_by_role("link", name="Part of a bulk act of 2").click()
    ada.get_by_text("2 can be taken back.").wait_for()
    expect(ada.get_by_role("list", name="Acts").get_by_role("listitem")).to_have_count(2)
    if scripts:
        look(ada, "bulk")
    ada.get_by_role("button", name="Undo all of it").click()
    if scripts:
        ada.get_by_text("Take 2 acts back? All of it will be as it was before.").wait_for()
        ada.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        expect(ada.get_by_role("dialog")).to_have_count(0)
        expect(ada.get_by_text("2 can be taken back.")).to_be_visible()
        ada.get_by_role("button", name="Undo all of it").click()
        ada.get_by_role("dialog").get_by_role("button", name="Undo all of it").click()
    ada.get_by_text("2 acts were taken back: it is as it was before.").wait_for()
    ada.wait_for_load_state()
    assert ada.get_by_role("button", name="Undo all of it").count() == 0
    if scripts:
        look(ada, "bulk-undone")
    for repo_id in repo_ids:
        dave.goto(f"/{repo_id}")
        dave.get_by_role("link", name="Report this model").wait_for()
