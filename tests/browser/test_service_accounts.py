"""An organisation's service account, from its first token to its end; and somebody who joins by the domain of their mail address."""

import re
import uuid

from conftest import DESKTOP, PHONE, log_in, picture
from harness.people import PASSWORD
from test_accounts import mail_to
from test_organizations import found
from test_pages import axe, overflow, structure


def look(page, name):
    """Looks at a page on a phone in the dark and on a desktop in the light."""
    problems = []
    for size, viewport, scheme in (("phone", PHONE, "dark"), ("desktop", DESKTOP, "light")):
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        picture(page, f"{name}-{size}-{scheme}")
        problems += [f"{name} {size} {scheme}: {problem}" for problem in [*axe(page), *overflow(page), *structure(page)]]
    return problems


def test_a_service_account_and_a_mail_domain(open_browser, hub):
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    org = f"works-{uuid.uuid4().hex[:8]}"
    ada = open_browser()
    log_in(ada)
    found(ada, org, members=())

    # A service account, and its token.
    ada.goto(f"/organizations/{org}/settings")
    ada.get_by_role("link", name="Service accounts").click()
    ada.get_by_role("heading", name="No service accounts yet").wait_for()
    bot = f"{org}-ci"
    ada.get_by_label("Name", exact=True).fill(bot)
    ada.get_by_label("What it is for").fill("Builds what we publish, each night.")
    ada.get_by_label("Role", exact=True).select_option("Write")
    ada.get_by_role("button", name="Create service account").click()
    ada.get_by_role("heading", name=bot, exact=True).wait_for()
    ada.get_by_label("Name", exact=True).fill("runner")
    ada.get_by_role("radio", name="Fine-grained").check()
    ada.get_by_label(org, exact=True).select_option("Read and write")
    ada.get_by_role("button", name="Create token").click()
    token = ada.get_by_label("New token").input_value()
    problems = look(ada, "service-account")
    api = HfApi(endpoint=hub.url, token=token)
    assert api.whoami()["name"] == bot
    repo_id = f"{org}/built"
    api.create_repo(repo_id, private=True)
    api.create_discussion(repo_id, "The build of tonight broke")
    ada.goto(f"/organizations/{org}/settings/service-accounts")
    problems += look(ada, "service-accounts")
    for address in (f"/{repo_id}/commits/main", f"/{repo_id}/discussions/1", f"/{bot}", f"/organizations/{org}/settings"):
        ada.goto(address)
        ada.get_by_role("main").get_by_text("Service account", exact=True).first.wait_for()
    ada.get_by_role("link", name=f"Manage {bot}").click()
    ada.get_by_role("button", name=f"Disable {bot}").click()
    ada.get_by_text("its tokens open nothing until it is enabled").wait_for()
    try:
        api.model_info(repo_id)
        raise AssertionError("a disabled account reads")
    except HfHubHTTPError as error:
        assert error.response.status_code == 403

    # Deleted, it comes back without its token.
    ada.get_by_role("button", name=f"Delete {bot}").click()
    ada.get_by_role("dialog").get_by_role("button", name="Delete").click()
    ada.get_by_role("heading", name="Deleted service accounts").wait_for()
    problems += look(ada, "service-accounts-deleted")
    ada.get_by_role("button", name=f"Restore {bot}").click()
    ada.get_by_text(f"The service account {bot} is back.").wait_for()
    ada.get_by_text("It has none yet.").wait_for()

    # A mail domain, and who joins by it.
    domain = f"{org}.example"
    ada.goto(f"/organizations/{org}/settings")
    ada.get_by_role("link", name="Mail domains").click()
    ada.get_by_role("heading", name="No domains yet").wait_for()
    ada.get_by_label("Domain", exact=True).fill(domain)
    ada.get_by_label("Role of who joins by it", exact=True).select_option("Contributor")
    ada.get_by_role("button", name="Add domain").click()
    hub.proofs[domain] = ada.get_by_label(f"Text that proves {domain}").input_value()
    problems += look(ada, "domain-unproven")
    ada.get_by_role("button", name=f"Look for the proof of {domain}").click()
    ada.get_by_text("can join now").wait_for()

    name, address = f"gus{uuid.uuid4().hex[:8]}", f"gus@{domain}"
    gus = open_browser()
    gus.goto("/signup")
    gus.get_by_label("Username").fill(name)
    gus.get_by_label("Email").fill(address)
    gus.get_by_label("Password", exact=True).fill(PASSWORD)
    gus.get_by_role("main").get_by_role("button", name="Sign up").click()
    gus.wait_for_url(lambda where: "/signup" not in where)
    gus.goto(f"/{org}")
    assert not gus.get_by_role("button", name="Join").count(), "the address is not confirmed yet"
    gus.goto("/settings/profile")
    gus.locator("form[action='/settings/confirm-email'] button").click()
    gus.get_by_text("A mail is on its way to you.").wait_for()
    gus.goto(re.search(r"http://\S+/confirm-email/\S+", mail_to(hub, address, "Is this your email address?"))[0])
    gus.get_by_role("button", name="Confirm this address").click()
    gus.get_by_role("heading", name="Email address confirmed").wait_for()
    gus.goto("/settings/organizations")
    gus.get_by_role("button", name=f"Join {org}").wait_for()
    gus.goto(f"/{org}")
    problems += look(gus, "domain-join")
    gus.get_by_role("button", name="Join").click()
    gus.get_by_text(f"You are a member of {org} now, as contributor.").wait_for()
    ada.goto(f"/organizations/{org}/settings")
    ada.get_by_role("link", name=name).wait_for()
    ada.get_by_role("link", name="Mail domains").click()
    ada.wait_for_url("**/settings/domains")
    ada.get_by_role("button", name=f"Remove {domain}").click()
    ada.get_by_role("dialog").get_by_text("you prove it anew").wait_for()
    ada.get_by_role("dialog").get_by_role("button", name="Remove").click()
    ada.get_by_text(f"{domain} was removed.").wait_for()
    problems += look(ada, "domains-removed")
    ada.get_by_role("button", name=f"Restore {domain}").click()
    ada.get_by_text(f"{domain} is in the list again.").wait_for()
    assert not problems, "\n".join(problems)
