"""Changing a repository in the browser: the editor, moves and deletions, history and archives."""

import io
import json
import os
import re
import tarfile
import urllib.request
import uuid
import zipfile

import pytest
from conftest import DESKTOP, PHONE, log_in, picture
from harness.people import TOKENS
from huggingface_hub import CommitOperationAdd, HfApi
from playwright.sync_api import expect
from test_pages import axe, overflow, structure


def api_of(hub):
    return HfApi(endpoint=hub.url, token=TOKENS["ada"])


def paths(hub, repo):
    return set(api_of(hub).list_repo_files(repo)) - {".gitattributes"}


def content(hub, repo, path, revision="main"):
    request = urllib.request.Request(f"{hub.url}/{repo}/resolve/{revision}/{urllib.request.pathname2url(path)}")
    request.add_header("Authorization", f"Bearer {TOKENS['ada']}")
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def check(page):
    problems = [*axe(page), *overflow(page), *structure(page)]
    assert not problems, "\n".join(problems)


def editor(page):
    return page.locator(".cm-content")


def retype(page, text):
    editor(page).click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_file_is_edited_with_preview_and_changes(hub, open_browser, repo, viewport, scheme):
    page = open_browser(viewport, color_scheme=scheme)
    log_in(page)
    page.goto(f"/{repo}/blob/main/README.md")
    page.get_by_role("link", name="Edit", exact=True).click()
    page.wait_for_url("**/edit/main/README.md")
    editor(page).get_by_text("Hello").wait_for()
    retype(page, "---\nlicense: mit\ntags: [a]\n---\n\n# Bonjour\n\nSome **bold** text.\n\n```python\nprint(1)\n```\n")
    picture(page, f"editor-{scheme}-{viewport['width']}")
    check(page)
    page.get_by_role("tab", name="Preview").click()
    page.get_by_role("tabpanel", name="Preview").get_by_role("heading", name="Bonjour").wait_for()
    check(page)
    page.get_by_role("tab", name="Changes").click()
    page.get_by_role("tabpanel", name="Changes").get_by_text("Bonjour").wait_for()
    picture(page, f"editor-changes-{scheme}-{viewport['width']}")
    check(page)
    page.get_by_label("Commit message").fill("Greet in French")
    page.get_by_role("button", name="Commit changes").click()
    page.wait_for_url(f"**/{repo}/blob/main/README.md")
    assert content(hub, repo, "README.md").startswith(b"---\nlicense: mit\ntags: [a]\n---\n\n# Bonjour\n")
    assert api_of(hub).list_repo_commits(repo)[0].title == "Greet in French"


def test_code_is_coloured_and_the_keyboard_moves_between_tabs(open_browser, repo):
    page = open_browser()
    log_in(page)
    for path in ("src/train.py", "conf/a%20b.yaml"):
        page.goto(f"/{repo}/edit/main/{path}")
        line = editor(page).locator(".cm-line span").first
        line.wait_for()
        plain = editor(page).evaluate("element => getComputedStyle(element).color")
        assert line.evaluate("element => getComputedStyle(element).color") != plain, path
    # YAML is not shown rendered.
    expect(page.get_by_role("tab", name="Preview")).to_be_hidden()
    page.get_by_role("tab", name="Edit").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Changes")).to_have_attribute("aria-selected", "true")
    page.get_by_role("tabpanel", name="Changes").get_by_text("No lines changed").wait_for()


def test_what_somebody_else_committed_is_not_lost(hub, open_browser, repo):
    page = open_browser()
    page.watch.expected += ["409"]
    log_in(page)
    page.goto(f"/{repo}/edit/main/src/train.py")
    editor(page).wait_for()
    retype(page, "mine = 1\n")
    api_of(hub).upload_file(path_or_fileobj=b"theirs = 1\n", path_in_repo="src/train.py", repo_id=repo)
    page.get_by_role("button", name="Commit changes").click()
    page.get_by_role("alert").get_by_text("Somebody else has committed").wait_for()
    picture(page, "editor-conflict")
    assert content(hub, repo, "src/train.py") == b"theirs = 1\n"
    editor(page).get_by_text("mine").wait_for()
    page.get_by_role("button", name="Commit changes").click()
    page.wait_for_url(f"**/{repo}/blob/main/src/train.py")
    assert content(hub, repo, "src/train.py") == b"mine = 1\n"


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_new_file_is_written(hub, open_browser, repo, scripts):
    page = open_browser(java_script_enabled=scripts)
    log_in(page)
    page.goto(f"/{repo}/tree/main/src")
    page.get_by_role("link", name="New file").click()
    page.get_by_label("File name").fill("deep/new.json")
    if scripts:
        editor(page).wait_for()
        retype(page, '{"a": 1}')
    else:
        page.get_by_role("textbox", name="Text", exact=True).fill('{"a": 1}')
        page.get_by_role("button", name="Show changes").click()
        page.get_by_text('{"a": 1}').last.wait_for()
        expect(page.get_by_label("File name")).to_have_value("deep/new.json")
    page.get_by_role("button", name="Commit changes").click()
    page.wait_for_url(f"**/{repo}/blob/main/src/deep/new.json")
    assert json.loads(content(hub, repo, "src/deep/new.json")) == {"a": 1}


class Gate:
    """Keeps back what a page asks for at addresses with this part in them, until it is opened."""

    def __init__(self, page, part):
        self.is_open, self.kept = False, []
        page.route(re.compile(part), self.take)

    def take(self, route):
        if self.is_open:
            route.continue_()
        else:
            self.kept.append(route)

    def open(self):
        self.is_open = True
        for route in self.kept:
            route.continue_()


def test_what_is_written_before_the_editor_is_there_is_kept(open_browser, repo):
    page = open_browser()
    log_in(page)
    script, module = Gate(page, "/file-editor"), Gate(page, "/codemirror")
    page.goto(f"/{repo}/tree/main")
    page.get_by_role("link", name="New file").click()
    page.get_by_label("File name").fill("notes.md")
    script.open()
    expect(page.get_by_role("tab", name="Preview")).to_be_visible()
    page.get_by_role("textbox", name="Text", exact=True).press_sequentially("one ")
    module.open()
    editor(page).get_by_text("one").wait_for()
    page.keyboard.type("two")
    expect(editor(page)).to_have_text("one two")


def test_a_file_is_moved_deleted_and_restored_from_its_history(hub, open_browser, repo):
    page = open_browser(PHONE)
    log_in(page)
    page.goto(f"/{repo}/blob/main/src/train.py")
    page.get_by_label("More", exact=True).click()
    page.get_by_role("link", name="Rename or move").click()
    page.get_by_label("New path").fill("code/fit it.py")
    picture(page, "move-390")
    check(page)
    page.get_by_role("button", name="Move and commit").click()
    page.wait_for_url(f"**/{repo}/blob/main/code/fit%20it.py")
    page.get_by_label("More", exact=True).click()
    page.get_by_role("link", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete and commit").wait_for()
    picture(page, "delete-390")
    check(page)
    page.get_by_role("button", name="Delete and commit").click()
    page.wait_for_url(f"**/{repo}/tree/main")
    assert paths(hub, repo) == {"README.md", "conf/a b.yaml"}
    page.goto(f"/{repo}/commits/main/code/fit%20it.py")
    page.get_by_role("link", name=re.compile("^Restore")).last.click()
    page.get_by_text("rate = 0.001").wait_for()
    picture(page, "restore-390")
    check(page)
    page.get_by_role("button", name="Restore and commit").click()
    page.wait_for_url(f"**/{repo}/blob/main/code/fit%20it.py")
    assert b"rate = 0.001" in content(hub, repo, "code/fit it.py")


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_commit_shows_its_files_and_what_changed_in_their_lines(hub, open_browser, repo, viewport, scheme):
    api = api_of(hub)
    adds = [
        CommitOperationAdd("src/train.py", b"import os\n\nrate = 0.002\nprint(rate)\n"),
        CommitOperationAdd("long.txt", b"".join(b"line %d\n" % number for number in range(700))),
        CommitOperationAdd("w.bin", os.urandom(3000)),
    ]
    commit = api.create_commit(repo, adds, commit_message="Change much")
    page = open_browser(viewport, color_scheme=scheme)
    page.goto(f"/{repo}/commit/{commit.oid}")
    marks = page.locator("#main mark")
    assert marks.all_inner_texts() == ["001", "002"] or marks.all_inner_texts() == ["0.001", "0.002"]
    files = page.get_by_role("navigation", name="Changed files")
    assert files.get_by_role("link").count() >= 3
    picture(page, f"commit-{scheme}-{viewport['width']}")
    check(page)
    long = page.locator("details", has_text="long.txt").filter(has_text="+700")
    assert long.get_attribute("open") is None, "long changes are folded"
    files.get_by_role("link", name="long.txt").click()
    expect(long).to_have_attribute("open", "")
    page.get_by_text("Stored with Git LFS").wait_for()


def test_branches_and_tags_are_made_in_the_picker(hub, open_browser, repo):
    page = open_browser()
    log_in(page)
    for kind, name in (("branch", "try/this"), ("tag", "v1.0")):
        page.goto(f"/{repo}/tree/main")
        page.get_by_label("Revision main").click()
        page.get_by_role("searchbox", name="Find or create a branch or tag").fill(name)
        picture(page, f"picker-{kind}")
        page.get_by_role("button", name=f"Create {kind} {name}").click()
        page.wait_for_url(f"**/{repo}/tree/{name.replace('/', '%2F')}")
    refs = api_of(hub).list_repo_refs(repo)
    assert [tag.name for tag in refs.tags] == ["v1.0"] and {branch.name for branch in refs.branches} == {"main", "try/this"}


def test_archives_are_downloaded_from_the_menu(open_browser, repo):
    page = open_browser()
    page.goto(f"/{repo}/tree/main")
    for ending in ("tar.gz", "zip"):
        page.get_by_label("Download and more").click()
        with page.expect_download() as download:
            page.get_by_role("link", name=f"Download .{ending}").click()
        name = repo.split("/")[1]
        assert download.value.suggested_filename == f"{name}-main.{ending}"
        data = open(download.value.path(), "rb").read()
        if ending == "zip":
            found = zipfile.ZipFile(io.BytesIO(data)).read(f"{name}-main/conf/a b.yaml")
        else:
            found = tarfile.open(fileobj=io.BytesIO(data)).extractfile(f"{name}-main/conf/a b.yaml").read()
        assert found == b"a: 1\n"
        page.get_by_label("Download and more").click()


def test_an_empty_repository_teaches_the_first_push(hub, open_browser):
    name = f"ada/{uuid.uuid4().hex[:10]}"
    api_of(hub).create_repo(name)
    page = open_browser()
    log_in(page)
    page.goto(f"/{name}")
    main = page.get_by_role("main")
    for text in (f"HF_ENDPOINT={hub.url}", f"hf upload {name} .", "HfApi", f"git clone {hub.url}/{name}", "git push"):
        assert any(text in code for code in main.locator("pre:visible").all_inner_texts()), text
    assert main.get_by_role("button", name="Copy").count() >= 3
    assert main.get_by_role("link", name="Upload files").is_visible()
    picture(page, "empty-1440")
    check(page)
    api_of(hub).create_commit(name, [CommitOperationAdd(f"f{n}.txt", b"x") for n in range(4)], commit_message="Add")
    page.goto(f"/{name}")
    assert any(f"hf upload {name} README.md" in code for code in main.locator("pre:visible").all_inner_texts())
    picture(page, "no-readme-1440")
    check(page)
