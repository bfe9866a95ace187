"""Uploads in the browser: files, folders and what is dropped, large files in parts, and what is proposed."""

import os
import re
import time
from contextlib import contextmanager

import pytest
from conftest import DESKTOP, PHONE, log_in, picture
from harness.files import sha256
from harness.hub import Hub
from playwright.sync_api import expect
from test_files import api_of, check, content, paths

MB = 1024 * 1024


def choose(page, files, folder=False):
    """Puts files into the picker, as a person does who clicked its button."""
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Choose a folder" if folder else "Choose files").click()
    chosen.value.set_files(files)


def start(page):
    page.get_by_role("button", name="Upload and commit").click()


@contextmanager
def seen(page, part):
    """The requests to addresses with this part in them."""
    found = []
    listener = lambda request: found.append(request) if part in request.url else None
    page.on("request", listener)
    yield found
    page.remove_listener("request", listener)


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_files_with_all_sorts_of_names_become_one_commit(hub, open_browser, repo, tmp_path, viewport):
    page = open_browser(viewport)
    log_in(page)
    names = ["with space.txt", "grüße-日本.md", "100%#?.json", "weights.bin", "empty.txt"]
    for name in names:
        (tmp_path / name).write_bytes(b"" if name == "empty.txt" else os.urandom(5000) if name == "weights.bin" else name.encode())
    page.goto(f"/{repo}/upload/main")
    choose(page, [tmp_path / name for name in names])
    page.get_by_role("textbox", name="Folder", exact=True).fill("new/place")
    page.get_by_role("textbox", name="Folder", exact=True).press("Tab")
    page.get_by_label("Commit message").fill("From the browser")
    page.get_by_label(re.compile("^Description")).fill("Told at length.")
    page.get_by_text("new/place/weights.bin", exact=True).wait_for()
    page.get_by_text("5.0 kB, LFS", exact=True).wait_for()
    picture(page, f"upload-{viewport['width']}")
    start(page)
    page.wait_for_url(f"**/{repo}/tree/main/new/place")
    assert {f"new/place/{name}" for name in names} <= paths(hub, repo)
    for name in names:
        assert content(hub, repo, f"new/place/{name}") == (tmp_path / name).read_bytes(), name
    commits = api_of(hub).list_repo_commits(repo)
    assert (commits[0].title, commits[0].message) == ("From the browser", "Told at length.")
    assert commits[1].title == "Add files"


def test_a_folder_keeps_its_paths_and_many_small_files_are_one_commit(hub, open_browser, repo, tmp_path):
    page = open_browser()
    page.set_default_timeout(60_000)
    log_in(page)
    for number in range(300):
        path = tmp_path / f"data/part-{number % 7}/row-{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"row {number}\n")
    (tmp_path / "data/.git").mkdir()
    (tmp_path / "data/.git/config").write_text("no")
    page.goto(f"/{repo}/upload/main")
    choose(page, tmp_path / "data", folder=True)
    page.get_by_text("300 files,").wait_for()
    start(page)
    page.wait_for_url(f"**/{repo}/tree/main")
    found = {path for path in paths(hub, repo) if path.startswith("data/")}
    assert len(found) == 300 and "data/part-3/row-3.txt" in found
    assert api_of(hub).list_repo_commits(repo)[0].title == "Upload 300 files"


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_files_are_proposed_by_who_may_not_write(hub, open_browser, repo, tmp_path, scripts):
    page = open_browser(PHONE, java_script_enabled=scripts)
    log_in(page, "dave")
    (tmp_path / "notes.txt").write_text("notes\n")
    (tmp_path / "weights.bin").write_bytes(os.urandom(5000))
    page.goto(f"/{repo}/tree/main")
    page.get_by_role("link", name="Propose files").click()
    page.get_by_text("Large and binary files are not taken here").wait_for()
    if scripts:
        check(page)
        choose(page, [tmp_path / "notes.txt", tmp_path / "weights.bin"])
        row = page.get_by_role("listitem").filter(has_text="weights.bin")
        row.get_by_text("large or binary, which the hf command sends").wait_for()
        picture(page, "upload-proposed-390")
        row.get_by_role("button", name="Remove weights.bin").click()
    else:
        page.locator("#field-files").set_input_files([tmp_path / "notes.txt"])
    page.get_by_label("Title of the pull request").fill("Take notes")
    page.get_by_role("button", name="Propose changes").click()
    page.wait_for_url(f"**/{repo}/discussions/1")
    page.get_by_role("heading", name="Take notes").wait_for()
    assert content(hub, repo, "notes.txt", "refs%2Fpr%2F1") == b"notes\n"
    assert "notes.txt" not in paths(hub, repo)
    # More of it goes to the same one.
    page.goto(f"/{repo}/upload/refs%2Fpr%2F1")
    (tmp_path / "more.txt").write_text("more\n")
    if scripts:
        choose(page, [tmp_path / "more.txt"])
        page.get_by_text("more.txt", exact=True).wait_for()
    else:
        page.locator("#field-files").set_input_files([tmp_path / "more.txt"])
    start(page)
    page.wait_for_url(f"**/{repo}/discussions/1")
    assert content(hub, repo, "more.txt", "refs%2Fpr%2F1") == b"more\n"


def test_a_writer_uploads_large_files_to_a_pull_request(hub, open_browser, repo, tmp_path):
    page = open_browser()
    log_in(page)
    weights = os.urandom(5000)
    (tmp_path / "weights.bin").write_bytes(weights)
    page.goto(f"/{repo}/upload/main")
    page.get_by_role("radio", name="Open a pull request").check()
    choose(page, [tmp_path / "weights.bin"])
    page.get_by_text("5.0 kB, LFS", exact=True).wait_for()
    start(page)
    page.wait_for_url(f"**/{repo}/discussions/1")
    assert content(hub, repo, "weights.bin", "refs%2Fpr%2F1") == weights
    assert "weights.bin" not in paths(hub, repo)


def test_dropped_files_are_taken(hub, open_browser, repo):
    page = open_browser()
    log_in(page)
    page.goto(f"/{repo}/upload/main")
    page.evaluate(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["dropped"], "dropped.txt"));
            for (const kind of ["dragenter", "dragover", "drop"])
                document.querySelector("[data-drop-zone]").dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true }));
        }"""
    )
    page.get_by_text("dropped.txt", exact=True).wait_for()
    start(page)
    page.wait_for_url(f"**/{repo}/tree/main")
    assert content(hub, repo, "dropped.txt") == b"dropped"


# No script can put a folder into a drop, so this stands in for what browsers make of one: 240 files, given 100 at a time, and a `.git`
# that must not even be looked into.
FOLDER = """(damaged) => {
    const file = (name, text) => ({ isFile: true, name, file: (done, failed) =>
        damaged ? failed(new DOMException("it is gone", "NotFoundError")) : done(new File([text], name)) });
    const folder = (name, entries) => ({ isDirectory: true, name, createReader: () => {
        const rest = [...entries];
        return { readEntries: (done) => done(rest.splice(0, 100)) };
    } });
    const git = { isDirectory: true, name: ".git", createReader: () => { throw new Error("this is git's own"); } };
    const rows = Array.from({ length: 240 }, (_, number) => file(`row-${number}.txt`, `row ${number}`));
    const top = folder("corpus", [git, file(".DS_Store", "x"), file("top.txt", "top"), folder("inner", rows), folder("empty", [])]);
    DataTransferItem.prototype.webkitGetAsEntry = () => top;
    const transfer = new DataTransfer();
    transfer.items.add(new File([""], "corpus"));
    document.querySelector("[data-drop-zone]").dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true }));
}"""


def test_a_dropped_folder_keeps_its_paths_without_what_is_gits(hub, open_browser, repo):
    page = open_browser()
    page.set_default_timeout(60_000)
    log_in(page)
    page.goto(f"/{repo}/upload/main")
    page.evaluate(FOLDER, True)
    page.get_by_role("status").get_by_text("It could not be read (it is gone).").wait_for()
    page.evaluate(FOLDER, False)
    page.get_by_text("241 files,").wait_for()
    page.get_by_text("corpus/top.txt", exact=True).wait_for()
    start(page)
    page.wait_for_url(f"**/{repo}/tree/main")
    found = {path for path in paths(hub, repo) if path.startswith("corpus/")}
    assert found == {"corpus/top.txt", *(f"corpus/inner/row-{number}.txt" for number in range(240))}
    assert content(hub, repo, "corpus/inner/row-239.txt") == b"row 239"


def test_paths_that_cannot_be_are_told_per_file_before_anything_is_sent(hub, open_browser, repo, tmp_path):
    page = open_browser()
    log_in(page)
    (tmp_path / "good.txt").write_text("good")
    (tmp_path / "bad\\name.txt").write_text("bad")
    page.goto(f"/{repo}/upload/main")
    choose(page, [tmp_path / "good.txt", tmp_path / "bad\\name.txt"])
    row = page.get_by_role("listitem").filter(has_text="bad\\name.txt")
    row.get_by_text("not a path a repository can hold").wait_for()
    page.get_by_role("status").get_by_text("One file cannot go").wait_for()
    picture(page, "upload-refused")
    with seen(page, "/commit/") as commits:
        # It asks once more, and can be started again when that is done.
        with page.expect_response("**/preupload/**"):
            start(page)
        expect(page.get_by_role("button", name="Upload and commit")).to_be_enabled()
        page.get_by_role("status").get_by_text("One file cannot go").wait_for()
        assert not commits
    row.get_by_role("button", name="Remove").click()
    start(page)
    page.wait_for_url(f"**/{repo}/tree/main")
    assert "good.txt" in paths(hub, repo)


def large_file(folder, size):
    """A file that no chunk of repeats."""
    path = folder / "large.safetensors"
    block = os.urandom(MB)
    with path.open("wb") as file:
        for number in range(size // MB):
            file.write(number.to_bytes(8, "big") + block[8:])
    return path


def held(hub, repo, path):
    [info] = api_of(hub).get_paths_info(repo, [path])
    return info.lfs.sha256, info.size


def test_a_large_file_goes_in_parts_and_after_a_broken_connection_and_a_reload_none_goes_twice(hub, open_browser, repo, tmp_path):
    page = open_browser()
    page.watch.expected += ["ERR_FAILED", "ERR_CONNECTION", "Failed to load"]
    page.set_default_timeout(120_000)
    log_in(page)
    path = large_file(tmp_path, 112 * MB)
    arrived = set()

    def number(request):
        return int(re.search(r"[?&]number=(\d+)", request.url).group(1))

    page.on("requestfinished", lambda request: arrived.add(number(request)) if "/lfs/part/" in request.url else None)
    # One part gets through; then the line is dead.
    page.route("**/lfs/part/**", lambda route: route.continue_() if number(route.request) == 1 else route.abort())
    page.goto(f"/{repo}/upload/main")
    choose(page, [path])
    page.get_by_text("large.safetensors", exact=True).wait_for()
    start(page)
    page.get_by_role("status").get_by_text("Trying again").wait_for()
    deadline = time.monotonic() + 120
    while 1 not in arrived:
        assert time.monotonic() < deadline, "the first part does not arrive"
        page.wait_for_timeout(100)
    picture(page, "upload-broken")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.unroute("**/lfs/part/**")
    sent = []
    page.on("request", lambda request: sent.append(number(request)) if "/lfs/part/" in request.url else None)
    choose(page, [path])
    page.get_by_text("large.safetensors", exact=True).wait_for()
    start(page)
    page.wait_for_url(f"**/{repo}/tree/main")
    assert sorted(set(sent)) == [2, 3, 4], "the part that had arrived is not sent again"
    assert held(hub, repo, "large.safetensors") == (sha256(path), path.stat().st_size)


def test_a_stopped_upload_changes_nothing_and_goes_on(hub, open_browser, repo, tmp_path):
    page = open_browser()
    page.watch.expected += ["ERR_FAILED"]
    page.set_default_timeout(120_000)
    log_in(page)
    path = large_file(tmp_path, 40 * MB)
    page.route("**/lfs/put/**", lambda route: None)
    page.route("**/lfs/part/**", lambda route: None)
    page.goto(f"/{repo}/upload/main")
    choose(page, [path])
    with page.expect_request(re.compile("/lfs/(put|part)/")):
        start(page)
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("status").get_by_text("Stopped").wait_for()
    assert "large.safetensors" not in paths(hub, repo)
    page.unroute("**/lfs/put/**")
    page.unroute("**/lfs/part/**")
    start(page)
    page.wait_for_url(f"**/{repo}/tree/main")
    assert held(hub, repo, "large.safetensors")[0] == sha256(path)


@pytest.mark.skipif("HUB_SLOW" not in os.environ, reason="sends 320 MB: HUB_SLOW=1 runs it")
def test_three_hundred_megabytes_arrive_whole(hub, open_browser, repo, tmp_path):
    page = open_browser()
    page.set_default_timeout(600_000)
    log_in(page)
    path = large_file(tmp_path, 320 * MB)
    page.goto(f"/{repo}/upload/main")
    choose(page, [path])
    start(page)
    page.wait_for_url(f"**/{repo}/tree/main")
    assert held(hub, repo, "large.safetensors") == (sha256(path), 320 * MB)


def test_with_s3_the_parts_go_straight_to_the_store(chromium, tmp_path):
    hub = Hub(store="s3")
    try:
        api_of(hub).create_repo("ada/straight")
        context = chromium.new_context(base_url=hub.url)
        page = context.new_page()
        complaints = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.set_default_timeout(120_000)
        log_in(page)
        path = large_file(tmp_path, 70 * MB)
        page.goto("/ada/straight/upload/main")
        choose(page, [path])
        store = hub.store.env["HUB_S3_ENDPOINT"]
        with seen(page, store) as requests:
            start(page)
            page.wait_for_url("**/ada/straight/tree/main")
        assert len([request for request in requests if request.method == "PUT"]) == 3
        assert held(hub, "ada/straight", "large.safetensors") == (sha256(path), path.stat().st_size)
        assert not complaints
        context.close()
    finally:
        hub.stop()
