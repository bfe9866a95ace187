"""Organisations: a resource group with a member and a repository, somebody who asks to join, and a second factor that all need."""

import uuid

import pytest
from conftest import DESKTOP, PHONE, log_in, picture, sign_up
from harness.people import TOKENS
from playwright.sync_api import expect
from test_pages import axe, overflow, structure
from test_second_factors import code_of
from test_webhooks import reload_until


@pytest.fixture
def org(hub):
    """The name of a fresh organisation."""
    return f"guild-{uuid.uuid4().hex[:8]}"


def found(page, name, members=("bob", "carol")):
    """Founds an organisation in which bob and carol may write, or others."""
    page.goto("/organizations/new")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("main").get_by_role("button").click()
    page.wait_for_url(f"**/{name}")
    page.goto(f"/organizations/{name}/settings")
    for user in members:
        page.get_by_label("Username").fill(user)
        page.get_by_role("button", name="Add member").click()
        page.get_by_text(f"{user} is a member now.").wait_for()
        # Questions before a form is sent need the scripts.
        page.wait_for_load_state()


def problems_of(page):
    """What is wrong with how a page is made."""
    return [*axe(page), *overflow(page), *structure(page)]


CARD = """# We build rockets

Small ones, and the models that fly them. Start with [the first](https://example.org/first).

| rocket | height |
|---|---:|
| Finch | 1.2 m |
| Swift | 2.4 m |

## Where to begin

- Read *how we test*.
- Ask in a discussion: we answer.
"""


@pytest.mark.parametrize(("viewport", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")], ids=["phone", "desktop"])
def test_an_organization_says_what_it_is_with_a_card(open_browser, org, viewport, scheme):
    ada = open_browser(viewport, color_scheme=scheme)
    log_in(ada)
    found(ada, org, members=())
    ada.goto(f"/{org}")
    ada.get_by_role("link", name="Create an organization card").click()
    expect(ada.get_by_label("Space name")).to_have_value("README")
    expect(ada.get_by_label("Static")).to_be_checked()
    ada.get_by_role("button", name="Create Space").click()
    ada.wait_for_url(f"**/spaces/{org}/README")
    ada.goto(f"/{org}")
    ada.get_by_role("link", name="Edit organization card").click()
    ada.get_by_label("Text", exact=True).fill(CARD)
    ada.get_by_role("button", name="Save and commit").click()
    ada.wait_for_url(f"**/spaces/{org}/README")
    stranger = open_browser(viewport, color_scheme="light" if scheme == "dark" else "dark", java_script_enabled=False)
    for page, who in ((ada, "admin"), (stranger, "stranger")):
        page.goto(f"/{org}")
        page.get_by_role("heading", name="We build rockets", level=2).wait_for()
        expect(page.get_by_role("link", name="Edit organization card")).to_have_count(int(who == "admin"))
        assert not (problems_of(page) if who == "admin" else [*overflow(page), *structure(page)])
        picture(page, f"{viewport['width']}-organization-card-{who}")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_group_is_made_and_its_repository_seen_and_not_seen(open_browser, hub, org, scripts):
    from huggingface_hub import HfApi

    ada, bob, carol = (open_browser(java_script_enabled=scripts) for _ in range(3))
    bob.watch.expected += ["Failed to load resource"]
    log_in(ada)
    found(ada, org)
    HfApi(endpoint=hub.url, token=TOKENS["ada"]).create_repo(f"{org}/known", private=True)
    log_in(bob, "bob")
    log_in(carol, "carol")
    bob.goto(f"/{org}/known")
    bob.get_by_role("main").wait_for()
    ada.goto(f"/organizations/{org}/settings")
    ada.get_by_role("link", name="Resource groups").click()
    ada.get_by_role("heading", name="No groups yet").wait_for()
    picture(ada, f"groups-none-{scripts}")
    ada.get_by_label("Name", exact=True).fill("Research")
    ada.get_by_label("What it is for").fill("What is not published yet.")
    ada.get_by_role("button", name="Create group").click()
    ada.get_by_role("heading", name="Research", exact=True).wait_for()
    ada.get_by_label("Username").fill("carol")
    ada.get_by_label("Role", exact=True).select_option("Write")
    ada.get_by_role("button", name="Add to group").click()
    ada.get_by_text("carol is in the group now.").wait_for()
    ada.get_by_label("Repository", exact=True).fill("known")
    ada.get_by_role("button", name="Move here").click()
    ada.get_by_text(f"{org}/known is in the group now.").wait_for()
    for size, viewport in (("phone", PHONE), ("desktop", DESKTOP)):
        for scheme in ("light", "dark"):
            ada.set_viewport_size(viewport)
            ada.emulate_media(color_scheme=scheme)
            picture(ada, f"group-{size}-{scheme}-{scripts}")
            assert not scripts or not problems_of(ada)
    ada.emulate_media(color_scheme="light")
    assert bob.goto(f"/{org}/known").status == 404
    assert carol.goto(f"/{org}/known").status == 200
    # Carol makes one there, and moves nothing else.
    carol.goto(f"/new?owner={org}")
    carol.get_by_label("Model name").fill("made-there")
    carol.get_by_label("Resource group").select_option(f"{org}: Research")
    carol.get_by_role("radio", name="Private").check()
    picture(carol, f"new-with-groups-{scripts}")
    carol.get_by_role("button", name="Create model").click()
    carol.wait_for_url(f"**/{org}/made-there")
    assert bob.goto(f"/{org}/made-there").status == 404
    # The repository's own settings show the group, and leave it.
    ada.goto(f"/{org}/known/settings")
    section = ada.locator("#resource-group")
    section.get_by_label("Group").select_option("None")
    section.get_by_role("button", name="Save group").click()
    ada.get_by_text("This repository is in no group now.").wait_for()
    assert bob.goto(f"/{org}/known").status == 200


def test_somebody_asks_to_join_and_is_let_in(open_browser, org):
    ada, other = open_browser(), open_browser()
    log_in(ada)
    found(ada, org)
    ada.goto(f"/organizations/{org}/settings")
    ada.get_by_label("People can ask to join").check()
    picture(ada, "organization-rules")
    ada.get_by_role("button", name="Save", exact=True).click()
    ada.get_by_text("Settings saved.").wait_for()
    name = sign_up(other, "joiner")
    other.goto(f"/{org}")
    other.get_by_role("link", name="Request to join").click()
    other.get_by_label("Message").fill("I wrote the tokenizer.\nLet me in!")
    picture(other, "join")
    assert not problems_of(other)
    other.get_by_role("button", name="Request to join").click()
    other.get_by_text("see your request now").wait_for()
    ada.goto("/notifications")
    # Both are told by a job.
    reload_until(ada, ada.get_by_role("link", name=f"{name} asks to join {org}"))
    picture(ada, "inbox-with-a-request")
    ada.goto(f"/{org}")
    picture(ada, "organization-with-a-request")
    ada.get_by_role("link", name="1 request to join").click()
    ada.get_by_text("I wrote the tokenizer.").wait_for()
    ada.wait_for_load_state()
    for size, viewport in (("phone", PHONE), ("desktop", DESKTOP)):
        ada.set_viewport_size(viewport)
        picture(ada, f"requests-{size}")
        assert ada.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    ada.get_by_label(f"Role of {name}").select_option("Contributor")
    ada.get_by_role("button", name=f"Accept {name}").click()
    ada.get_by_text("they are a member now").wait_for()
    other.goto("/notifications")
    accepted = other.get_by_role("link", name=f"You are a member of {org}")
    reload_until(other, accepted)
    accepted.click()
    other.wait_for_url(f"**/{org}")
    assert other.get_by_role("link", name="Request to join").count() == 0
    other.goto("/settings/organizations")
    other.get_by_role("row").filter(has_text=org).get_by_text("contributor").wait_for()


def add_app(page):
    """Sets an authenticator app up, and comes to the page of second factors."""
    page.goto("/settings/authentication")
    page.get_by_role("link", name="Set up an app").click()
    secret = page.get_by_label("Key", exact=True).input_value()
    page.get_by_label("Code").fill(code_of(secret))
    page.get_by_role("button", name="Turn it on").click()
    page.get_by_role("link", name="I have kept them").click()
    page.wait_for_url("**/settings/authentication")


def test_all_members_need_a_second_factor(open_browser, org):
    head, mate = open_browser(), open_browser()
    for page in (head, mate):
        page.watch.expected += ["Failed to load resource"]
    sign_up(head, "head")
    name = sign_up(mate, "mate")
    found(head, org, [name])
    # Nobody asks for what they do not have.
    head.get_by_role("button", name="Require second factors").click()
    head.get_by_role("button", name="Require", exact=True).click()
    head.get_by_text("Add a second factor to your own account first").wait_for()
    add_app(head)
    head.goto(f"/organizations/{org}/settings")
    head.get_by_text("1 member has none.").first.wait_for()
    for size, viewport in (("phone", PHONE), ("desktop", DESKTOP)):
        for scheme in ("light", "dark"):
            head.set_viewport_size(viewport)
            head.emulate_media(color_scheme=scheme)
            picture(head, f"members-without-a-factor-{size}-{scheme}")
            assert head.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    head.get_by_role("button", name="Require second factors").click()
    picture(head, "require-second-factors")
    head.get_by_role("button", name="Require", exact=True).click()
    head.get_by_text(f"{org} asks its members for a second factor now.").wait_for()
    assert mate.goto(f"/{org}/anything").status == 403
    mate.get_by_role("heading", name="A second factor is needed").wait_for()
    picture(mate, "a-second-factor-is-needed")
    for path in ("/settings/organizations", f"/{org}"):
        mate.goto(path)
        for size, viewport in (("phone", PHONE), ("desktop", DESKTOP)):
            for scheme in ("light", "dark"):
                mate.set_viewport_size(viewport)
                mate.emulate_media(color_scheme=scheme)
                picture(mate, f"locked-{'list' if 'settings' in path else 'page'}-{size}-{scheme}")
                assert mate.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    mate.get_by_role("link", name="Add a second factor").click()
    mate.wait_for_url("**/settings/authentication")
    add_app(mate)
    assert mate.goto(f"/{org}/anything").status == 404
    mate.goto(f"/{org}")
    assert mate.get_by_role("link", name="Add a second factor").count() == 0


def test_an_organization_is_deleted_and_kept(open_browser, hub, org):
    from huggingface_hub import HfApi

    page = open_browser()
    page.watch.expected += ["Failed to load resource"]
    log_in(page)
    found(page, org, ["bob"])
    HfApi(endpoint=hub.url, token=TOKENS["ada"]).create_repo(f"{org}/known", private=True)
    page.goto(f"/organizations/{org}/settings")
    page.get_by_role("link", name=f"Delete {org}").click()
    page.get_by_text("1 model, 2 memberships").wait_for()
    page.get_by_label("Name of the organization").fill("another")
    page.get_by_role("button", name=f"Delete {org}").click()
    page.get_by_text(", the name of the organization.").wait_for()
    picture(page, "delete-organization-wrong-name")
    page.get_by_label("Name of the organization").fill(org)
    page.get_by_role("button", name=f"Delete {org}").click()
    page.get_by_text(f"{org} is closed.").wait_for()
    page.wait_for_load_state()
    for size, viewport in (("phone", PHONE), ("desktop", DESKTOP)):
        for scheme in ("light", "dark"):
            page.set_viewport_size(viewport)
            page.emulate_media(color_scheme=scheme)
            picture(page, f"closed-organization-{size}-{scheme}")
            assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    for path in (f"/{org}", f"/{org}/known", f"/organizations/{org}/settings"):
        assert page.goto(path).status == 404
    page.goto("/settings/organizations")
    page.get_by_role("button", name=f"Keep {org}").click()
    page.get_by_text(f"{org} is back, with its members and repositories.").wait_for()
    assert page.goto(f"/{org}/known").status == 200
