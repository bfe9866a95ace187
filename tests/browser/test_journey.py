"""The first hour of a new person: sign up, token, model, upload, card, list."""

import re
import time
import uuid

import pytest
from conftest import CARD, DESKTOP, PHONE, log_in, picture, sign_up
from harness.people import TOKENS
from huggingface_hub import HfApi
from playwright.sync_api import expect


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_from_sign_up_to_a_model_that_is_found(open_browser, hf, tmp_path, viewport):
    page = open_browser(viewport)
    name = sign_up(page, "eve")
    token = make_token(page)
    create_model(page, name, "first-model")

    (tmp_path / "model").mkdir()
    (tmp_path / "model/README.md").write_text(CARD)
    (tmp_path / "model/config.json").write_text('{"model_type": "bert"}')
    hf("upload", f"{name}/first-model", str(tmp_path / "model"), ".", token=token)

    page.goto(f"/{name}/first-model")
    see_card(page)
    picture(page, f"model-{viewport['width']}")

    # The index hears of it within moments.
    deadline = time.monotonic() + 60
    while page.goto(f"/models?search={name}/first-model") and not page.locator(".repo-card").count():
        assert time.monotonic() < deadline, "the new model is not found"
    page.get_by_role("main").get_by_role("link", name=f"{name}/first-model", exact=True).click()
    page.wait_for_url(f"**/{name}/first-model")
    see_card(page)


def make_token(page):
    page.goto("/settings/tokens")
    page.get_by_role("main").get_by_label("Name", exact=True).fill("laptop")
    page.get_by_label(re.compile("^write", re.I)).first.check()
    page.get_by_role("button", name="Create token").click()
    # The new token is shown once,
    shown = page.locator(".token-secret input")
    expect(shown).to_have_value(re.compile("^hf_[A-Za-z0-9]{30,}$"))
    token = shown.input_value()
    page.goto("/settings/tokens")
    assert token not in page.content(), "and only once"
    return token


def create_model(page, owner, name):
    page.goto("/new")
    page.get_by_role("main").get_by_label(re.compile("name", re.I)).last.fill(name)
    page.get_by_role("button", name="Create model").click()
    page.wait_for_url(f"**/{owner}/{name}")


def see_card(page):
    main = page.get_by_role("main")
    main.get_by_role("heading", name="A model with a card").wait_for()
    expect(main.get_by_role("cell", name="0.93")).to_be_visible()
    expect(main.locator("strong", has_text="bold")).to_be_visible()
    assert page.title() != "owned"
    assert "script>document" not in page.content()
    assert "apache-2.0" in main.inner_text().lower()


def test_a_wrong_password_is_told_without_saying_which_part_was_wrong(open_browser):
    page = open_browser()
    page.watch.expected += ["401", "403", "422"]
    said = []
    for name in ("ada", "nobody-at-all"):
        page.goto("/login")
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill("wrong wrong wrong")
        page.get_by_role("main").get_by_role("button", name="Log in").click()
        said.append(page.get_by_role("alert").first.inner_text())
    assert said[0] == said[1]


def test_a_name_that_is_taken_is_refused_at_the_field(open_browser):
    page = open_browser()
    page.watch.expected += ["409", "422", "400"]
    page.goto("/signup")
    page.get_by_label("Username").fill("ADA")
    page.get_by_label("Email").fill("someone@example.org")
    page.get_by_label("Password", exact=True).fill("a long enough password 7")
    page.get_by_role("main").get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("main")).to_contain_text("taken", ignore_case=True, use_inner_text=True)
    expect(page.get_by_label("Email")).to_have_value("someone@example.org")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_files_are_uploaded_in_the_browser(hub, open_browser, tmp_path, scripts):
    page = open_browser(java_script_enabled=scripts)
    log_in(page)
    repo_id = f"ada/{uuid.uuid4().hex[:10]}"
    HfApi(endpoint=hub.url, token=TOKENS["ada"]).create_repo(repo_id)
    (tmp_path / "notes.txt").write_text("some notes\n")
    (tmp_path / "weights.bin").write_bytes(bytes(range(256)) * 4000)
    page.goto(f"/{repo_id}/tree/main")
    page.get_by_role("link", name="Upload files").first.click()
    page.wait_for_url("**/upload/main**")
    page.get_by_label("Files", exact=True).set_input_files([tmp_path / "notes.txt", tmp_path / "weights.bin"])
    picture(page, f"upload-{'scripts' if scripts else 'plain'}")
    page.get_by_role("button", name="Upload and commit").click()
    page.wait_for_url(f"**/{repo_id}/tree/main")
    main = page.get_by_role("main")
    expect(main.get_by_role("link", name="notes.txt", exact=True)).to_be_visible()
    expect(main.get_by_role("row").filter(has_text="weights.bin").get_by_text("LFS")).to_be_visible()
