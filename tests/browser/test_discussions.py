"""Two people and a repository: one asks and proposes, the other answers and merges."""

import base64
import re

import pytest
from conftest import DESKTOP, PHONE, log_in, picture
from harness.people import TOKENS
from playwright.sync_api import expect
from test_files import editor, retype
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
    ada.wait_for_url("**/discussions/1")
    assert ada.locator(".prose").get_by_role("link", name="@ada").get_attribute("href") == "/ada"
    ada.get_by_label("Comment", exact=True).last.fill("It is. <script>document.title = 'owned'</script>")
    ada.get_by_role("button", name="Comment", exact=True).click()
    ada.get_by_text("It is.").first.wait_for()
    ada.wait_for_load_state()
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


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_what_a_writer_hid_is_shown_again_and_what_its_author_deletes_is_not(open_browser, hub, repo, scripts):
    from huggingface_hub import HfApi

    dave_api = HfApi(endpoint=hub.url, token=TOKENS["dave"])
    num = dave_api.create_discussion(repo, title="A question", description="Is it **heated**?").num
    dave, ada = open_browser(java_script_enabled=scripts), open_browser(java_script_enabled=scripts)
    log_in(ada)
    ada.goto(f"/{repo}/discussions/{num}")

    def hide():
        # The script that asks is there when the page is.
        ada.wait_for_load_state()
        ada.get_by_role("button", name="Hide", exact=True).click()
        if scripts:
            ada.get_by_role("dialog").get_by_role("button", name="Hide").click()
        ada.get_by_text("This comment has been hidden.").wait_for()

    hide()
    found = problems(ada) if scripts else []
    assert not found, "\n".join(found)
    ada.get_by_role("button", name="Show again").click()
    ada.locator(".prose strong").wait_for()
    hide()
    log_in(dave, "dave")
    dave.goto(f"/{repo}/discussions/{num}")
    with dave.expect_navigation():
        dave.get_by_role("button", name="Delete its text").click()
        if scripts:
            dave.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(dave.get_by_role("button", name="Delete its text")).to_have_count(0)
    ada.reload()
    ada.get_by_text("This comment has been hidden.").wait_for()
    assert ada.get_by_role("button", name="Show again").count() == 0


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
    expect(ada.locator(".diff-added .diff-text")).to_contain_text("2", use_inner_text=True)
    ada.get_by_role("link", name="Conversation").click()
    ada.get_by_role("button", name="Merge").click()
    ada.get_by_text("merged this").wait_for()
    ada.goto(f"/{repo}/commits/main")
    ada.get_by_role("link", name="Write 2 (#1)").wait_for()
    dave.reload()
    assert dave.get_by_role("button", name="Merge").count() == 0


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_pull_request_from_proposal_to_merge(open_browser, hub, repo, scripts):
    def write(page, text):
        if scripts:
            editor(page).wait_for()
            retype(page, text)
        else:
            page.get_by_role("textbox", name="Text", exact=True).fill(text)

    dave, ada = open_browser(PHONE, java_script_enabled=scripts), open_browser(java_script_enabled=scripts)
    log_in(dave, "dave")
    dave.goto(f"/{repo}/blob/main/a.txt")
    dave.get_by_role("link", name="Propose changes").click()
    dave.get_by_text("This opens a pull request").wait_for()
    write(dave, "one\n2\n")
    dave.get_by_label("Title of the pull request").fill("Write 2")
    dave.get_by_label(re.compile("^Description")).fill("It is **shorter**.")
    picture(dave, "390-proposal" if scripts else "390-proposal-without-scripts")
    # The rules of accessibility are asked by a script.
    assert not scripts or not problems(dave)
    dave.get_by_role("button", name="Propose changes").click()
    dave.wait_for_url(f"**/{repo}/discussions/1")
    dave.get_by_role("heading", name="Write 2").wait_for()
    assert dave.locator(".prose strong").inner_text() == "shorter"
    # What was forgotten is added.
    dave.get_by_text("Add commits", exact=True).click()
    dave.get_by_role("link", name="open its files").click()
    dave.wait_for_url(f"**/{repo}/tree/refs%2Fpr%2F1")
    dave.get_by_role("link", name="a.txt", exact=True).click()
    dave.get_by_role("link", name="Edit", exact=True).click()
    dave.get_by_text("This adds a commit to the pull request").wait_for()
    write(dave, "one\n2\n3\n")
    dave.get_by_role("button", name="Add to #1").click()
    dave.wait_for_url(f"**/{repo}/discussions/1")
    assert dave.get_by_role("button", name="Merge").count() == 0
    log_in(ada)
    ada.goto(f"/{repo}/discussions")
    ada.get_by_role("link", name="Write 2").click()
    ada.get_by_role("link", name="Files changed").click()
    ada.locator(".diff-added").first.wait_for()
    ada.get_by_role("link", name="Conversation").click()
    ada.get_by_role("button", name="Merge").click()
    ada.get_by_text("merged this").wait_for()
    assert ada.request.get(f"/{repo}/resolve/main/a.txt").text() == "one\n2\n3\n"


def test_a_writer_asks_for_a_review_of_the_card(open_browser, repo):
    ada = open_browser()
    log_in(ada)
    ada.goto(f"/{repo}/edit-card")
    # What changes in the form brings another preview.
    with ada.expect_response(lambda answer: answer.request.method == "POST"):
        ada.get_by_role("radio", name="Open a pull request").check()
    ada.get_by_label("Text", exact=True).fill("# Talk\n")
    expect(ada.get_by_role("article", name="Preview of the card")).to_contain_text("Talk")
    assert not problems(ada)
    ada.get_by_role("button", name="Save and commit").click()
    ada.wait_for_url(f"**/{repo}/discussions/1")
    ada.get_by_text("Your change is proposed in #1.").wait_for()
    assert ada.request.get(f"/{repo}/resolve/refs%2Fpr%2F1/README.md").text().endswith("# Talk\n")
    assert ada.request.get(f"/{repo}/resolve/main/README.md").status == 404


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


@pytest.mark.parametrize(
    ("viewport", "scripts"), [(DESKTOP, True), (PHONE, True), (DESKTOP, False)], ids=["desktop", "phone", "without scripts"]
)
def test_a_line_is_talked_about_where_it_stands(open_browser, hub, repo, viewport, scripts):
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["dave"])
    change = {"path_in_repo": "a.txt", "repo_id": repo}
    address = api.upload_file(path_or_fileobj=b"one\n2\n", create_pr=True, **change).pr_url
    options = {"java_script_enabled": scripts, "color_scheme": "dark" if viewport == PHONE else "light"}
    ada, dave = open_browser(viewport, **options), open_browser(viewport, **options)
    log_in(ada)
    ada.goto(f"{address}/files")
    line = ada.get_by_role("link", name="2: comment on this line", exact=True)
    line.click()
    form = ada.locator("#remark-form")
    text = form.get_by_label("Comment", exact=True)
    if scripts:
        expect(text).to_be_focused()
        assert "comment=" not in ada.url
        text.fill("Why a digit?")
        form.get_by_role("link", name="Cancel").click()
        expect(form).to_have_count(0)
        expect(line).to_be_focused()
        # What was typed is still there, at whatever line.
        ada.get_by_role("link", name="2: comment on this line as it was").click()
        form.get_by_text("Line 2 of the old version").wait_for()
        line.click()
        expect(text).to_have_value("Why a digit?")
        assert not problems(ada)
        picture(ada, f"{viewport['width']}-remark-form")
    else:
        text.fill("Why a digit?")
    form.get_by_role("button", name="Comment", exact=True).click()
    ada.locator(".remark-row p", has_text="Why a digit?").wait_for()
    assert "/files#" in ada.url
    if scripts:
        assert not problems(ada)
        picture(ada, f"{viewport['width']}-remark")
    log_in(dave, "dave")
    dave.goto(address)
    thread = dave.locator(".remark")
    expect(thread.locator(".diff-added .diff-text")).to_have_text("2")
    thread.locator("summary", has_text="Reply").click()
    thread.get_by_label("Your reply").fill("It is shorter.")
    thread.get_by_role("button", name="Send reply").click()
    thread.locator("p", has_text="It is shorter.").wait_for()
    if scripts:
        assert not problems(dave)
        picture(dave, f"{viewport['width']}-remark-in-conversation")
    thread.get_by_role("button", name="Resolve", exact=True).click()
    dave.get_by_text("Resolved by dave").wait_for()
    assert thread.get_attribute("open") is None
    thread.locator(".remark-bar").click()
    thread.get_by_role("button", name="Open again").click()
    expect(dave.get_by_text("Resolved by dave")).to_have_count(0)
    told = dave.get_by_role("listitem").filter(has_text="dave resolved a thread on a.txt")
    expect(told.get_by_role("link", name="a.txt")).to_have_attribute("href", f"#{thread.get_attribute('id')}")
    api.upload_file(path_or_fileobj=b"one\ntwo!\n", revision="refs/pr/1", **change)
    ada.goto(f"{address}/files")
    ada.get_by_text("1 conversation on lines that have changed").click()
    expect(ada.locator(".remark-outdated .diff-added .diff-text")).to_have_text("2")
    if scripts:
        assert not problems(ada)
        picture(ada, f"{viewport['width']}-remark-outdated")


def conflict(hub, repo):
    """A pull request of dave's that conflicts with what ada wrote meanwhile; gives its address."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    ada, dave = (HfApi(endpoint=hub.url, token=TOKENS[name]) for name in ("ada", "dave"))

    def card(licence, tag, text):
        lines = f"# Talk\n\n{text}\n\nIt was trained\non text\nthat nobody\nhas read.\n\nIt is {text.lower()}\n"
        return CommitOperationAdd("README.md", f"---\nlicense: {licence}\ntags:\n- talk\n{tag}---\n{lines}".encode())

    def file(name, content):
        return CommitOperationAdd(name, content)

    ada.create_commit(repo, [card("mit", "", "Old."), file("b.dat", b"\0old"), file("c.txt", b"old\n")], commit_message="Begin")
    theirs = [card("apache-2.0", "- dave\n", "Dave's."), file("b.dat", b"\0dave"), file("c.txt", b"dave\n")]
    made = dave.create_commit(repo, theirs, commit_message="Say it better", create_pr=True)
    ours = [card("bsd-3-clause", "- ada\n", "Ada's."), file("b.dat", b"\0ada"), CommitOperationDelete("c.txt")]
    ada.create_commit(repo, ours, commit_message="Say it well")
    return made.pr_url


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_who_opened_it_settles_the_conflicts_and_another_merges(open_browser, hub, repo, viewport):
    address = conflict(hub, repo)
    scheme = "dark" if viewport == PHONE else "light"
    dave, ada = open_browser(viewport, color_scheme=scheme), open_browser()
    log_in(dave, "dave")
    dave.goto(address)
    picture(dave, f"{viewport['width']}-{scheme}-pull-request-in-conflict")
    dave.get_by_role("link", name="Settle the conflicts").click()
    dave.get_by_role("heading", name="Settle conflicts").wait_for()
    card = dave.locator("[data-conflict-file]", has_text="README.md")
    card.get_by_text("Conflict 1 of 2").wait_for()
    card.locator(".cm-content").get_by_text("<<<<<<< main").first.wait_for()
    assert not problems(dave)
    picture(dave, f"{viewport['width']}-{scheme}-conflicts")
    card.get_by_role("combobox").select_option(label="main")
    card.get_by_role("button", name="Next").click()
    card.get_by_text("Conflict 2 of 2").wait_for()
    card.get_by_role("button", name="Keep main").click()
    card.get_by_text("Conflict 1 of 1").wait_for()
    card.get_by_role("button", name="Keep both").click()
    card.get_by_text("Nothing left to decide").wait_for()
    # What the button wrote can be written on.
    card.locator(".cm-line", has_text="Dave's.").click()
    dave.keyboard.press("End")
    dave.keyboard.type(" And more.")
    dave.locator("[data-conflict-file]", has_text="b.dat").get_by_role("radio").last.check()
    dave.locator("[data-conflict-file]", has_text="c.txt").get_by_label("Delete it").check()
    picture(dave, f"{viewport['width']}-{scheme}-conflicts-settled")
    dave.get_by_role("button", name="Commit to refs/pr/1").click()
    dave.get_by_text("The conflicts are settled.").wait_for()
    dave.wait_for_load_state()
    assert dave.get_by_text("It cannot be merged as it is").count() == 0
    log_in(ada)
    ada.goto(address)
    ada.get_by_role("button", name="Merge").click()
    ada.get_by_text("merged this").wait_for()
    text = ada.request.get(f"/{repo}/resolve/main/README.md").text()
    body = "# Talk\n\nAda's.\nDave's. And more.\n\nIt was trained\non text\nthat nobody\nhas read.\n\nIt is ada's.\n"
    assert text == f"---\nlicense: bsd-3-clause\ntags:\n- talk\n- ada\n- dave\n---\n{body}"
    assert ada.request.get(f"/{repo}/resolve/main/b.dat").body() == b"\0dave"


def test_conflicts_are_settled_where_no_script_runs(open_browser, hub, repo):
    address = conflict(hub, repo)
    page = open_browser(PHONE, java_script_enabled=False)
    page.watch.expected.append("status of 400")
    log_in(page, "dave")
    page.goto(f"{address}/conflicts")
    card = page.locator("[data-conflict-file]", has_text="README.md")
    card.get_by_role("combobox").select_option(label="#1")
    page.locator("[data-conflict-file]", has_text="b.dat").get_by_role("radio").first.check()
    page.locator("[data-conflict-file]", has_text="c.txt").get_by_label("Keep it").check()
    page.get_by_role("button", name="Commit to refs/pr/1").click()
    page.get_by_text("still has a marker").wait_for()
    page.wait_for_load_state()
    expect(card.get_by_role("combobox")).to_have_value("theirs")
    text = card.get_by_role("textbox")
    text.fill(re.sub(r"<<<<<<< main\n.*?=======\n(.*?)>>>>>>> #1\n", r"\1", text.input_value(), flags=re.DOTALL))
    picture(page, "390-conflicts-without-scripts")
    page.get_by_role("button", name="Commit to refs/pr/1").click()
    page.get_by_text("The conflicts are settled.").wait_for()
    assert "license: apache-2.0" in page.request.get(f"/{repo}/resolve/refs%2Fpr%2F1/README.md").text()
    assert page.request.get(f"/{repo}/resolve/refs%2Fpr%2F1/c.txt").text() == "dave\n"


PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")
GIVE = """(text, [kind, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], "given.png", { type: "image/png" }));
  const init = { bubbles: true, cancelable: true };
  const event = kind === "paste" ? new ClipboardEvent(kind, { ...init, clipboardData: data }) : new DragEvent(kind, { ...init, dataTransfer: data });
  text.dispatchEvent(event);
}"""


# A film of a few steps, as bytes.
FILM = """async () => {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  const recorder = new MediaRecorder(canvas.captureStream(30), { mimeType: "video/webm" });
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const done = new Promise((resolve) => (recorder.onstop = resolve));
  recorder.start(100);
  // A busy machine may take a while to see the first.
  for (let step = 0; step < 10 || (step < 1000 && !parts.some(({ size }) => size)); step++) {
    context.fillRect(step * 9, step * 9, 20, 20);
    await new Promise(requestAnimationFrame);
  }
  recorder.stop();
  await done;
  return Array.from(new Uint8Array(await new Blob(parts).arrayBuffer()));
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
    film = {"name": "steps.webm", "mimeType": "video/webm", "buffer": bytes(page.evaluate(FILM))}
    page.get_by_label("Pictures and files").set_input_files([film])
    expect(text).to_have_value(re.compile(r'<video controls src="/uploads/[^"]*/steps\.webm"></video>'))
    page.watch.expected.append("status of 400")
    bad = {"name": "run.exe", "mimeType": "application/octet-stream", "buffer": b"MZ\x90\0"}
    page.get_by_label("Pictures and files").set_input_files([bad])
    page.get_by_text("run.exe: Comments take pictures").wait_for()
    assert "Sending" not in text.input_value() and text.input_value().startswith("Look:\n![loss-curve](")
    assert not problems(page)
    picture(page, f"{viewport['width']}-discussion-files")
    page.get_by_role("button", name="Open discussion").click()
    page.wait_for_url("**/discussions/1")
    pictures = page.locator(".prose img")
    expect(pictures).to_have_count(3)
    # Each arrived, and is one.
    assert all(one.evaluate("async (one) => { await one.decode(); return one.naturalWidth }") > 0 for one in pictures.all())
    played = "async (film) => { film.muted = true; await film.play(); return film.videoWidth }"
    assert page.locator(".prose video").evaluate(played) > 0
    with page.expect_download() as saved:
        page.get_by_role("link", name="run.log").click()
    assert saved.value.suggested_filename == "run.log"
    assert not problems(page)
    picture(page, f"{viewport['width']}-discussion-with-files")


def test_pictures_come_with_the_form_where_no_script_runs(open_browser, repo):
    page = open_browser(java_script_enabled=False)
    log_in(page, "dave")
    page.goto(f"/{repo}/discussions/new")
    page.get_by_label("Title").fill("Plots")
    page.get_by_label("Pictures and files").set_input_files([{"name": "loss.png", "mimeType": "image/png", "buffer": PIXEL}])
    page.get_by_role("button", name="Open discussion").click()
    page.wait_for_url("**/discussions/1")
    page.get_by_role("img", name="loss").wait_for()
