"""Taking one's data along, and leaving."""

import io
import json
import re
import zipfile

import pytest
from conftest import DESKTOP, PHONE, sign_up
from test_accounts import look, mail_to
from test_webhooks import reload_until


@pytest.mark.parametrize(
    ("viewport", "scheme"), [(PHONE, "light"), (DESKTOP, "dark")], ids=["phone-light", "desktop-dark"]
)
def test_somebody_takes_their_data_and_leaves(open_browser, hub, viewport, scheme):
    page = open_browser(viewport, color_scheme=scheme)
    name = sign_up(page, "lea")
    page.goto("/settings/profile")
    page.get_by_role("link", name="Your data").click()
    page.get_by_role("button", name="Make a copy").click()
    page.get_by_text("The copy is being made.").wait_for()
    reload_until(page, page.get_by_role("link", name="Download the copy"))
    problems = look(page, "data", viewport, scheme)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the copy").click()
    assert download.value.suggested_filename == f"{name}-data.zip"
    archive = zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes()))
    assert archive.testzip() is None
    files = {entry: archive.read(entry).decode() for entry in archive.namelist() if entry.endswith(".json")}
    data = {entry: json.loads(text) for entry, text in files.items()}
    assert data["profile.json"][0]["email"] == f"{name}@example.org"
    assert [row["way"] for row in data["sessions.json"]] == ["password"]
    assert {"account.create", "account.sign_in"} <= {row["what"] for row in data["security_log.json"]}
    assert not re.search(r"argon2|token_hash|hf_", "".join(files.values()))

    page.get_by_label("Name of your account").fill(name)
    page.get_by_role("button", name="Delete my account").click()
    page.get_by_role("heading", name="Your account is closed").wait_for()
    problems += look(page, "closed", viewport, scheme)
    page.watch.expected.append("403")
    page.goto("/login")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill("a long enough password 7")
    page.get_by_role("main").get_by_role("button", name="Log in", exact=True).click()
    page.get_by_text("This account is being deleted").wait_for()
    problems += look(page, "leaving", viewport, scheme)

    mail = mail_to(hub, f"{name}@example.org", "Your account is being deleted")
    page.goto(re.search(r"/login/keep-account\?link=[\w-]+", mail)[0])
    problems += look(page, "keep", viewport, scheme)
    page.get_by_role("button", name="Keep it").click()
    page.get_by_text("Your account is back").wait_for()
    assert not problems, "\n".join(problems)
