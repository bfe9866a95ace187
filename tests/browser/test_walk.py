"""Somebody who has never been here finds a model by task, licence and size, reads its card, copies the code, and it runs."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import DESKTOP, picture, safetensors
from content import gguf
from harness.people import TOKENS
from playwright.sync_api import expect
from test_lists import choose

WEIGHTS = safetensors([[0.25] * 64 * 64])
CARD = """---
pipeline_tag: {task}
license: {licence}
library_name: transformers
---
# {title}

Finds the joints of climbers in photographs taken from below.
"""
# name: task, licence, files beside the card. The first is what the newcomer looks for; each other one fails by one condition.
SHELF = {
    "joints-small": ("keypoint-detection", "artistic-2.0", {"model.safetensors": WEIGHTS}),
    "joints-of-others": ("image-segmentation", "artistic-2.0", {"model.safetensors": WEIGHTS}),
    "joints-for-study": ("keypoint-detection", "cc-by-nc-4.0", {"model.safetensors": WEIGHTS}),
    "joints-huge": ("keypoint-detection", "artistic-2.0", {"model-q4.gguf": gguf(9_000_000_000)}),
}


@pytest.fixture(scope="module")
def shelf(hub):
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    for name, (task, licence, files) in SHELF.items():
        api.create_repo(f"acme/{name}")
        files = {"README.md": CARD.format(task=task, licence=licence, title=name).encode(), **files}
        adds = [CommitOperationAdd(path, content) for path, content in files.items()]
        api.create_commit(f"acme/{name}", adds, commit_message="Add the model")


def shown(page):
    return sorted(link.split("/")[1].strip() for link in page.locator(".repo-card-link").all_inner_texts())


def wait_until(page, expected):
    deadline = time.monotonic() + 60
    while shown(page) != expected:
        assert time.monotonic() < deadline, shown(page)
        page.wait_for_timeout(100)


def test_a_newcomer_finds_a_model_and_runs_the_code_of_its_page(open_browser, shelf, tmp_path):
    page = open_browser(DESKTOP)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    deadline = time.monotonic() + 60
    while page.goto("/models?search=joints&min_parameters=1") and len(shown(page)) < len(SHELF):
        assert time.monotonic() < deadline, "the index does not know them all"
        time.sleep(0.2)

    # From the home page, with what the list offers.
    page.goto("/")
    page.get_by_role("banner").get_by_role("link", name="Models", exact=True).click()
    page.wait_for_url("**/models")
    choose(page, "Task", "Keypoint Detection")
    page.wait_for_url("**pipeline_tag=keypoint-detection**")
    wait_until(page, ["joints-for-study", "joints-huge", "joints-small"])
    choose(page, "Licence", "artistic-2.0")
    page.wait_for_url("**license=artistic-2.0**")
    wait_until(page, ["joints-huge", "joints-small"])
    page.get_by_role("slider", name="Parameters, at most").focus()
    page.keyboard.press("Home")
    page.wait_for_url("**max_parameters=100000000**")
    wait_until(page, ["joints-small"])
    picture(page, "walk-found")

    # Reads the card.
    page.get_by_role("main").get_by_role("link", name="acme/joints-small", exact=True).click()
    page.wait_for_url("**/acme/joints-small")
    main = page.get_by_role("main")
    expect(main.get_by_text("the joints of climbers")).to_be_visible()
    expect(main.get_by_role("link", name="artistic-2.0").first).to_be_visible()

    # Copies the code.
    page.get_by_role("link", name="Use this model").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("link", name="huggingface_hub", exact=True).click()
    code = dialog.locator(".snippet").filter(has_text="snapshot_download")
    code.wait_for()
    picture(page, "walk-code")
    code.get_by_role("button", name="Copy").click()
    page.get_by_role("status").filter(has_text="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "acme/joints-small" in copied

    # It runs as it is: nothing of this suite's environment tells the client where the hub is, the code does.
    env = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    env |= {"HOME": str(tmp_path), "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_TELEMETRY": "1", "NO_PROXY": "127.0.0.1,localhost"}
    done = subprocess.run([sys.executable, "-c", copied], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = Path(done.stdout.strip().splitlines()[-1])
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert "joints of climbers" in (folder / "README.md").read_text()
