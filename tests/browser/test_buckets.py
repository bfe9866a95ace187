"""Changing a bucket in the browser: files and folders come, are moved and go."""

import os
import re
import urllib.request
import uuid

import pytest
from conftest import DESKTOP, PHONE, log_in, picture
from harness.people import TOKENS
from huggingface_hub import HfApi
from test_files import check
from test_uploads import choose, large_file

MB = 1024 * 1024
SIZES = pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


@pytest.fixture
def bucket(hub):
    """A bucket of ada's with some files, by its path."""
    name = f"ada/{uuid.uuid4().hex[:10]}"
    files = [(b"one\n", "logs/1.log"), (b"two\n", "logs/deep/2.log"), (os.urandom(200_000), "w.bin"), (b"", "empty")]
    api_of(hub).batch_bucket_files(api_of(hub).create_bucket(name).bucket_id, add=files)
    return name


def api_of(hub):
    return HfApi(endpoint=hub.url, token=TOKENS["ada"])


def paths(hub, bucket):
    return {entry.path for entry in api_of(hub).list_bucket_tree(bucket, recursive=True) if hasattr(entry, "size")}


def content(hub, bucket, path):
    request = urllib.request.Request(f"{hub.url}/buckets/{bucket}/resolve/{urllib.request.pathname2url(path)}")
    request.add_header("Authorization", f"Bearer {TOKENS['ada']}")
    with urllib.request.urlopen(request) as answer:
        return answer.read()


@SIZES
@SCHEMES
def test_files_and_folders_are_uploaded(hub, open_browser, bucket, tmp_path, viewport, scheme):
    page = open_browser(viewport, color_scheme=scheme)
    log_in(page)
    files = {"notes ü#?.txt": b"words", "sub/weights.bin": os.urandom(500_000), "sub/empty": b""}
    for name, data in files.items():
        (tmp_path / "new" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "new" / name).write_bytes(data)
    page.goto(f"/buckets/{bucket}/tree/logs")
    page.get_by_role("link", name="Upload files").click()
    choose(page, tmp_path / "new", folder=True)
    page.get_by_text("3 files,").wait_for()
    page.get_by_text("500.0 kB", exact=True).wait_for()
    picture(page, f"bucket-upload-{scheme}-{viewport['width']}")
    check(page)
    page.get_by_role("button", name="Upload", exact=True).click()
    page.wait_for_url(f"**/buckets/{bucket}/tree/logs")
    page.get_by_role("link", name="new", exact=True).wait_for()
    for name, data in files.items():
        assert content(hub, bucket, f"logs/new/{name}") == data, name
    # Other clients find them by their chunks.
    info = {entry.path: entry for entry in api_of(hub).list_bucket_tree(bucket, recursive=True)}
    assert info["logs/new/sub/weights.bin"].xet_hash.strip("0")


def test_a_large_file_goes_in_parts_and_what_arrived_is_not_sent_again(hub, open_browser, bucket, tmp_path):
    page = open_browser()
    page.watch.expected += ["ERR_FAILED", "ERR_CONNECTION", "Failed to load"]
    page.set_default_timeout(120_000)
    log_in(page)
    path = large_file(tmp_path, 72 * MB)

    def number(request):
        return int(re.search(r"[?&]number=(\d+)", request.url).group(1))

    page.route("**/lfs/part/**", lambda route: route.continue_() if number(route.request) == 1 else route.abort())
    page.goto(f"/buckets/{bucket}/upload/")
    choose(page, [path])
    with page.expect_request_finished(lambda request: "/lfs/part/" in request.url and number(request) == 1):
        page.get_by_role("button", name="Upload", exact=True).click()
        page.get_by_role("status").get_by_text("Trying again").wait_for()
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.unroute("**/lfs/part/**")
    sent = []
    page.on("request", lambda request: sent.append(number(request)) if "/lfs/part/" in request.url else None)
    choose(page, [path])
    page.get_by_role("button", name="Upload", exact=True).click()
    page.wait_for_url(f"**/buckets/{bucket}/tree")
    assert sorted(set(sent)) == [2, 3]
    assert content(hub, bucket, "large.safetensors") == path.read_bytes()


@SIZES
@SCHEMES
def test_what_is_ticked_is_moved_and_deleted(hub, open_browser, bucket, viewport, scheme):
    page = open_browser(viewport, color_scheme=scheme)
    # What a refusal makes the browser say.
    page.watch.expected += ["Failed to load resource"]
    log_in(page)
    page.goto(f"/buckets/{bucket}")
    page.get_by_role("checkbox", name="w.bin").check()
    page.get_by_role("checkbox", name="logs, a folder").check()
    picture(page, f"bucket-ticked-{scheme}-{viewport['width']}")
    check(page)
    page.get_by_role("button", name="Rename or move").click()
    page.get_by_label("To the folder").fill("old/2026")
    picture(page, f"bucket-move-{scheme}-{viewport['width']}")
    check(page)
    page.get_by_role("button", name="Move", exact=True).click()
    page.wait_for_url(f"**/buckets/{bucket}/tree/old/2026")
    page.get_by_text("3 files were moved.").wait_for()
    assert paths(hub, bucket) == {"old/2026/w.bin", "old/2026/logs/1.log", "old/2026/logs/deep/2.log", "empty"}

    page.get_by_role("checkbox", name="w.bin").check()
    page.get_by_role("button", name="Rename or move").click()
    page.get_by_label("New path").fill("empty")
    page.get_by_role("button", name="Move", exact=True).click()
    page.get_by_text("There is a file at").wait_for()
    page.get_by_label("New path").fill("weights.bin")
    page.get_by_role("button", name="Move", exact=True).click()
    page.get_by_text("1 file was moved.").wait_for()

    page.goto(f"/buckets/{bucket}")
    page.get_by_role("checkbox", name="old, a folder").check()
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("This cannot be undone").wait_for()
    picture(page, f"bucket-delete-{scheme}-{viewport['width']}")
    check(page)
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("2 files were deleted.").wait_for()
    assert paths(hub, bucket) == {"empty", "weights.bin"}


def test_it_works_without_javascript(hub, open_browser, bucket, tmp_path):
    page = open_browser(java_script_enabled=False)
    log_in(page)
    (tmp_path / "plain.txt").write_text("without a script")
    page.goto(f"/buckets/{bucket}/upload/logs")
    page.locator("#field-files").set_input_files([tmp_path / "plain.txt"])
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_text("1 file was uploaded.").wait_for()
    assert content(hub, bucket, "logs/plain.txt") == b"without a script"
    page.get_by_role("checkbox", name="plain.txt").check()
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("This cannot be undone").wait_for()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("1 file was deleted.").wait_for()
    assert "logs/plain.txt" not in paths(hub, bucket)
