"""What was found in files is seen where people look for files, and read without scripts."""

import pickle
import time
import uuid

import pytest
from conftest import DESKTOP, PHONE, picture
from harness.people import TOKENS
from huggingface_hub import CommitOperationAdd, HfApi
from playwright.sync_api import expect
from test_pages import axe, overflow, structure


class Evil:
    def __reduce__(self):
        import os

        return os.system, ("echo pwned",)


@pytest.fixture(scope="module")
def risky(hub):
    """A model of ada's with one file of each kind that is marked."""
    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    repo = f"ada/risky-{uuid.uuid4().hex[:8]}"
    api.create_repo(repo)
    secret = "glpat-" + "aZ3kQ9mX7pLr2TvB8nWc"
    files = {
        "README.md": b"# A model\n\nIts card.\n",
        "model.safetensors": b"\x02\0\0\0\0\0\0\0{}",
        "hooks/pytorch_model.bin": pickle.dumps({"hook": Evil(), "when": uuid.uuid4()}),
        "tokens.pkl": pickle.dumps({"a": {1, 2}, "when": uuid.uuid4()}),
        "stranger.pkl": b"\x80\x04\x8c\x10a_longer_package\x8c\x07Network\x93)R.",
        "conf.env": f"# settings\nGITLAB={secret}\n".encode(),
    }
    api.create_commit(repo, [CommitOperationAdd(path, content) for path, content in files.items()], commit_message="Add files")
    deadline = time.monotonic() + 60
    while any(file.security.status == "queued" for file in api.get_paths_info(repo, list(files), expand=True)):
        assert time.monotonic() < deadline, "nobody looks at the files"
        time.sleep(0.1)
    return repo


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_from_the_warning_to_what_was_found(open_browser, risky, scripts):
    page = open_browser(java_script_enabled=scripts)
    page.goto(f"/{risky}")
    page.get_by_text("A file of this model should not be loaded.").wait_for()
    page.get_by_role("link", name="hooks/pytorch_model.bin").click()
    found = page.get_by_role("region", name="Security")
    found.get_by_text("posix.system").wait_for()
    page.wait_for_load_state()
    assert found.locator("li", has_text="posix.system").get_by_text("dangerous").count() == 1
    assert found.locator("li", has_text="UUID").get_by_text("dangerous").count() == 0
    page.get_by_text("Do not load this file unless you trust who made it").wait_for()


def test_marks_in_the_list_lead_to_the_findings(open_browser, risky):
    page = open_browser()
    page.goto(f"/{risky}/tree/main")
    row = lambda name: page.locator("tr", has_text=name)  # noqa: E731 - a name for one expression
    for name, mark in [("tokens.pkl", "Pickle"), ("stranger.pkl", "Suspicious"), ("conf.env", "Secrets")]:
        row(name).get_by_role("link", name=mark).wait_for()
    assert row("model.safetensors").locator(".badge", has_text="Pickle").count() == 0
    row("conf.env").get_by_role("link", name="Secrets").click()
    found = page.get_by_role("region", name="Security")
    expect(found.get_by_text("GitLab token in plain text")).to_be_visible()
    page.wait_for_load_state()
    assert "glpat" not in found.inner_text()
    found.get_by_role("link", name="line 2").click()
    page.wait_for_url("**#L2")
    assert "GITLAB" in page.locator("#L2").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_pages_with_findings_are_well_made(open_browser, risky, size, scheme):
    page = open_browser(viewport=size, color_scheme=scheme)
    for name, path in [
        ("card", ""),
        ("tree", "/tree/main"),
        ("unsafe", "/blob/main/hooks/pytorch_model.bin"),
        ("suspicious", "/blob/main/stranger.pkl"),
        ("secrets", "/blob/main/conf.env"),
    ]:
        page.goto(f"/{risky}{path}")
        picture(page, f"scan-{name}-{size['width']}-{scheme}")
        assert not [*structure(page), *overflow(page), *axe(page)], path
