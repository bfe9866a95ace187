"""A person and an organisation take other names, and an old one back."""

import uuid

from conftest import log_in, sign_up
from test_organizations import found
from test_service_accounts import look


def test_a_user_takes_another_name_and_the_old_one_back(open_browser):
    page = open_browser()
    page.watch.expected += ["Failed to load resource"]
    name, new = sign_up(page, "ann"), f"mary-{uuid.uuid4().hex[:8]}"
    page.goto("/settings/profile")
    section = page.locator("#rename")
    section.get_by_label("New username").fill("ada")
    section.get_by_role("button", name="Change username").click()
    section.get_by_text("is taken, please choose another").wait_for()
    problems = look(page, "rename-refused")
    section.get_by_label("New username").fill(new)
    section.get_by_role("button", name="Change username").click()
    page.get_by_text(f"You are {new} from now on.").wait_for()
    problems += look(page, "rename")
    page.goto(f"/{name}")
    page.wait_for_url(f"**/{new}")
    page.goto("/settings/profile")
    page.get_by_role("button", name=f"Take back {name}").click()
    page.get_by_text(f"You are {name} from now on.").wait_for()
    page.goto(f"/{new}")
    page.wait_for_url(f"**/{name}")
    assert not problems, "\n".join(problems)


def test_an_admin_renames_an_organisation_without_scripts(open_browser):
    org, new = (f"{start}-{uuid.uuid4().hex[:8]}" for start in ("guild", "union"))
    page = open_browser(java_script_enabled=False)
    log_in(page)
    found(page, org, members=())
    page.goto(f"/organizations/{org}/settings")
    page.get_by_label("New name").fill(new)
    page.get_by_role("button", name=f"Rename {org}").click()
    page.wait_for_url(f"**/organizations/{new}/settings")
    page.get_by_text(f"The organization is called {new} from now on.").wait_for()
    page.get_by_text(f"Was called {org} until").wait_for()
    page.goto(f"/organizations/{org}/settings")
    page.get_by_role("heading", name=f"{new} settings").wait_for()
    page.goto(f"/{org}")
    page.wait_for_url(f"**/{new}")
