"""Two people and a repository: one asks and proposes, the other answers and merges."""

import base64
import re

import pytest
from conftest import DESKTOP, PHONE, log_in, picture
from harness.people import TOKENS
from playwright.sync_api import expect
from test_pages import axe, overflow, structure


def problems(page):
    return [*axe(page), *overflow(page), *structure(page)]


@pytest.fixture
def repo(hub, tmp_path):
    """A fresh model of ada's with a file."""
    import uuid

    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    repo_id = f"ada/talk-{uuid.uuid4().hex[:8]}"
    api.create_repo(repo_id)
    api.upload_file(path_or_fileobj=b"one\ntwo\n", path_in_repo="a.txt", repo_id=repo_id)
    return repo_id


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_one_asks_and_the_other_answers(open_browser, hub, repo, scripts):
    dave, ada = open_browser(java_script_enabled=scripts), open_browser(java_script_enabled=scripts)
    log_in(dave, "dave")
    dave.goto(f"/{repo}")
    dave.get_by_role("link", name="Community").click()
    dave.get_by_role("link", name="New discussion").click()
    dave.get_by_label("Title").fill("How was it made?")
    dave.get_by_label("What is it about?").fill("Tell me, @ada: is it **new**?")
    dave.get_by_role("button", name="Open discussion").click()
    dave.wait_for_url("**/discussions/1")
    assert dave.locator(".prose strong").inner_text() == "new"
    log_in(ada)
    ada.goto(f"/{repo}")
    ada.get_by_role("link", name="Community 1").click()
    ada.get_by_role("link", name="How was it made?").click()
    assert ada.locator(".prose").get_by_role("link", name="@ada").get_attribute("href") == "/ada"
    ada.get_by_label("Comment", exact=True).last.fill("It is. <script>document.title = 'owned'</script>")
    ada.get_by_role("button", name="Comment", exact=True).click()
    ada.get_by_text("It is.").first.wait_for()
    assert ada.title() != "owned"
    ada.get_by_text("Rename, pin or lock").click() if scripts else ada.locator("details summary", has_text="Rename").click()
    ada.get_by_label("Title").fill("How it was made")
    ada.get_by_role("button", name="Rename", exact=True).click()
    ada.get_by_role("heading", name="How it was made").wait_for()
    dave.reload()
    dave.get_by_label("Comment", exact=True).last.fill("Thank you")
    dave.get_by_role("button", name="Close", exact=True).click()
    dave.get_by_text("closed this").wait_for()
    dave.goto(f"/{repo}/discussions")
    dave.get_by_text("None is like this.").wait_for()
    dave.get_by_role("link", name="1 closed").click()
    dave.get_by_role("link", name="How it was made").wait_for()


def test_one_proposes_and_the_other_merges(open_browser, hub, repo):
    from huggingface_hub import HfApi

    made = HfApi(endpoint=hub.url, token=TOKENS["dave"]).upload_file(
        path_or_fileobj=b"one\n2\n", path_in_repo="a.txt", repo_id=repo, commit_message="Write 2", create_pr=True
    )
    dave, ada = open_browser(), open_browser()
    log_in(dave, "dave")
    dave.goto(made.pr_url)
    dave.get_by_text("It can be merged by those who may write").wait_for()
    log_in(ada)
    ada.goto(made.pr_url)
    ada.get_by_role("link", name="Files changed").click()
    assert "2" in ada.locator(".diff-added .diff-text").inner_text()
    ada.get_by_role("link", name="Conversation").click()
    ada.get_by_role("button", name="Merge").click()
    ada.get_by_text("merged this").wait_for()
    ada.goto(f"/{repo}/commits/main")
    ada.get_by_role("link", name="Write 2 (#1)").wait_for()
    dave.reload()
    assert dave.get_by_role("button", name="Merge").count() == 0


def test_a_conflict_is_explained(open_browser, hub, repo):
    from huggingface_hub import HfApi

    made = HfApi(endpoint=hub.url, token=TOKENS["dave"]).upload_file(
        path_or_fileobj=b"dave\n", path_in_repo="a.txt", repo_id=repo, create_pr=True
    )
    HfApi(endpoint=hub.url, token=TOKENS["ada"]).upload_file(path_or_fileobj=b"ada\n", path_in_repo="a.txt", repo_id=repo)
    ada = open_browser()
    log_in(ada)
    ada.goto(made.pr_url)
    ada.get_by_text("It cannot be merged as it is").wait_for()
    assert ada.locator("li code", has_text="a.txt").is_visible()
    assert ada.get_by_role("button", name="Merge").count() == 0


PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")
GIVE = """(text, [kind, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], "given.png", { type: "image/png" }));
  const init = { bubbles: true, cancelable: true };
  const event = kind === "paste" ? new ClipboardEvent(kind, { ...init, clipboardData: data }) : new DragEvent(kind, { ...init, dataTransfer: data });
  text.dispatchEvent(event);
}"""


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_pictures_come_with_what_is_said(open_browser, repo, viewport):
    page = open_browser(viewport, color_scheme="dark" if viewport == PHONE else "light")
    log_in(page, "dave")
    page.goto(f"/{repo}/discussions/new")
    page.get_by_label("Title").fill("Plots")
    text = page.get_by_label("What is it about?")
    text.fill("Look:")
    chosen = {"name": "loss curve.png", "mimeType": "image/png", "buffer": page.screenshot()}
    page.get_by_label("Pictures and files").set_input_files([chosen, {"name": "run.log", "mimeType": "text/plain", "buffer": b"step 1\n"}])
    expect(text).to_have_value(re.compile(r"run\.log\]\(/uploads/"))
    for number, kind in enumerate(["paste", "drop"], 1):
        text.evaluate(GIVE, [kind, list(PIXEL)])
        expect(text).to_have_value(re.compile(r"(!\[given\]\(/uploads/[^)]*\)\s*){%d}" % number))
    bad = {"name": "run.exe", "mimeType": "application/octet-stream", "buffer": b"MZ\x90\0"}
    page.get_by_label("Pictures and files").set_input_files([bad])
    page.get_by_text("run.exe: Comments take pictures").wait_for()
    assert "Sending" not in text.input_value() and text.input_value().startswith("Look:\n![loss-curve](")
    assert not problems(page)
    picture(page, "discussion-files")
    page.get_by_role("button", name="Open discussion").click()
    page.wait_for_url("**/discussions/1")
    pictures = page.locator(".prose img")
    expect(pictures).to_have_count(3)
    # Each arrived, and is one.
    assert all(one.evaluate("async (one) => { await one.decode(); return one.naturalWidth }") > 0 for one in pictures.all())
    with page.expect_download() as saved:
        page.get_by_role("link", name="run.log").click()
    assert saved.value.suggested_filename == "run.log"
    assert not problems(page)
    picture(page, "discussion-with-files")


def test_pictures_come_with_the_form_where_no_script_runs(open_browser, repo):
    page = open_browser(java_script_enabled=False)
    log_in(page, "dave")
    page.goto(f"/{repo}/discussions/new")
    page.get_by_label("Title").fill("Plots")
    page.get_by_label("Pictures and files").set_input_files([{"name": "loss.png", "mimeType": "image/png", "buffer": PIXEL}])
    page.get_by_role("button", name="Open discussion").click()
    page.wait_for_url("**/discussions/1")
    page.get_by_role("img", name="loss").wait_for()
