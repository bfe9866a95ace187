"""Somebody deletes, overwrites, and thinks better of it."""

import subprocess
import uuid

import pytest
from conftest import DESKTOP, PHONE, log_in, picture
from harness.people import TOKENS
from test_organizations import found, problems_of
from test_pages import overflow, structure


@pytest.fixture
def repo(hub):
    """A fresh model of ada's with two files."""
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    repo_id = f"ada/undo-{uuid.uuid4().hex[:8]}"
    api.create_repo(repo_id)
    api.upload_file(path_or_fileobj=b"precious\n", path_in_repo="a.txt", repo_id=repo_id)
    return repo_id


@pytest.fixture
def git(hub, tmp_path):
    """Runs git in a folder of its own."""

    def run(*arguments, cwd=tmp_path):
        identity = ["-c", "user.name=ada", "-c", "user.email=ada@example.org"]
        done = subprocess.run(["git", *identity, *arguments], cwd=cwd, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def remote(hub, repo_id):
    return hub.url.replace("http://", f"http://ada:{TOKENS['ada']}@") + f"/{repo_id}"


def agree(page, scripts, label):
    """Says yes to the question that scripts ask before a form is sent."""
    if scripts:
        page.get_by_role("dialog").get_by_role("button", name=label).click()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_deleted_repository_is_restored_and_cloned(open_browser, hub, repo, git, tmp_path, scripts):
    page = open_browser(java_script_enabled=scripts)
    log_in(page)
    page.goto(f"/{repo}/settings")
    page.get_by_label("Type the full id to confirm").fill(repo)
    page.get_by_role("button", name="Delete this model").click()
    page.wait_for_url("**/settings/deleted")
    page.get_by_text(f"{repo} was deleted. It can be restored for 30 days.").wait_for()
    picture(page, f"undo-deleted-{scripts}")
    page.get_by_role("button", name=f"Restore {repo}").click()
    page.wait_for_url(f"**/{repo}")
    page.get_by_text(f"{repo} is back, with all that it had.").wait_for()
    git("clone", "-q", remote(hub, repo), "clone")
    assert (tmp_path / "clone/a.txt").read_bytes() == b"precious\n"


def test_a_forced_push_is_undone(open_browser, hub, repo, git, tmp_path):
    git("clone", "-q", remote(hub, repo), "work")
    work = tmp_path / "work"
    git("reset", "-q", "--hard", "HEAD^", cwd=work)
    git("commit", "-q", "--allow-empty", "-m", "Something else", cwd=work)
    git("push", "-q", "--force", "origin", "HEAD:main", cwd=work)
    page = open_browser()
    log_in(page)
    page.goto(f"/{repo}/settings")
    page.get_by_role("link", name="History of changes").click()
    page.wait_for_url("**/settings/history")
    page.get_by_text("Replaced the history of the branch").wait_for()
    page.get_by_role("button", name="Undo: Replaced the history").click()
    agree(page, True, "Undo")
    page.get_by_text("The branch main is at").wait_for()
    for size, name in ((PHONE, "phone"), (DESKTOP, "desktop")):
        page.set_viewport_size(size)
        picture(page, f"undo-history-{name}")
    git("clone", "-q", remote(hub, repo), "again")
    assert (tmp_path / "again/a.txt").read_bytes() == b"precious\n"


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_deleted_branch_comes_back(open_browser, hub, repo, git, scripts):
    git("clone", "-q", remote(hub, repo), "work")
    page = open_browser(java_script_enabled=scripts)
    log_in(page)
    page.goto(f"/{repo}/refs")
    page.get_by_label("New branch or tag").fill("dev")
    page.get_by_role("button", name="Create branch").click()
    page.wait_for_url("**/tree/dev")
    page.goto(f"/{repo}/refs")
    page.get_by_role("button", name="Delete dev").click()
    agree(page, scripts, "Delete")
    page.get_by_text("An admin can undo it for 30 days").wait_for()
    page.goto(f"/{repo}/settings/history")
    page.get_by_role("button", name="Undo: Deleted the branch dev").click()
    agree(page, scripts, "Undo")
    page.get_by_text("The branch dev is at").wait_for()
    assert "refs/heads/dev" in git("ls-remote", remote(hub, repo))


def test_a_name_that_is_taken_asks_for_another(open_browser, hub, repo):
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    api.delete_repo(repo)
    api.create_repo(repo)
    page = open_browser()
    log_in(page)
    page.watch.expected.append("409")
    page.goto("/settings/deleted")
    page.get_by_role("button", name=f"Restore {repo}").click()
    page.get_by_text(f"There is another {repo} now.").first.wait_for()
    picture(page, "undo-name-taken")
    page.get_by_role("main").get_by_role("button", name="Restore", exact=True).click()
    page.wait_for_url(f"**/{repo}-restored")
    assert api.file_exists(f"{repo}-restored", "a.txt")


def test_a_removed_member_comes_back(open_browser):
    page = open_browser()
    log_in(page)
    org = f"guild-{uuid.uuid4().hex[:8]}"
    found(page, org, members=("bob",))
    page.get_by_role("button", name="Remove bob").click()
    page.get_by_text("bob is no longer a member").wait_for()
    page.get_by_role("link", name="Audit log").click()
    page.get_by_role("button", name="Undo: Member removed: bob").wait_for()
    for size, name in ((PHONE, "phone"), (DESKTOP, "desktop")):
        page.set_viewport_size(size)
        assert not problems_of(page)
        picture(page, f"undo-member-{name}")
    page.get_by_role("button", name="Undo: Member removed: bob").click()
    agree(page, True, "Undo")
    page.get_by_text(f"in {org} again.").wait_for()
    page.wait_for_load_state()
    assert not page.get_by_role("button", name="Undo: Member removed: bob").count()


def test_a_deleted_collection_comes_back(open_browser, hub, repo):
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    title = f"Shelf {uuid.uuid4().hex[:8]}"
    slug = api.create_collection(title, private=True).slug
    api.add_collection_item(slug, item_id=repo, item_type="model")
    api.delete_collection(slug)
    page = open_browser(PHONE, java_script_enabled=False)
    log_in(page)
    page.goto("/settings/deleted")
    page.get_by_role("link", name="Deleted collections").click()
    page.get_by_role("button", name=f"Restore {title}").wait_for()
    assert not [*overflow(page), *structure(page)]
    picture(page, "undo-collection-phone")
    page.get_by_role("button", name=f"Restore {title}").click()
    page.get_by_text(f"{title} is back, with what was in it.").wait_for()
    assert [item.item_id for item in api.get_collection(slug).items] == [repo]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_deleted_discussion_comes_back(open_browser, hub, repo, scripts):
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    num = api.create_discussion(repo, title="A question", description="How was it trained?").num
    page = open_browser(java_script_enabled=scripts)
    log_in(page)
    page.goto(f"/{repo}/discussions/{num}")
    page.get_by_text("Rename, pin or lock, delete").click()
    page.get_by_role("button", name=f"Delete #{num}").click()
    agree(page, scripts, "Delete")
    page.get_by_text(f"#{num} was deleted. It can be restored for 30 days").wait_for()
    page.goto(f"/{repo}/settings/history")
    page.get_by_role("button", name=f"Undo: Deleted the discussion #{num}").click()
    agree(page, scripts, "Undo")
    page.get_by_text(f"The discussion #{num} is back, with what was said in it.").wait_for()
    page.goto(f"/{repo}/discussions/{num}")
    page.locator("p", has_text="How was it trained?").wait_for()


def test_a_setting_is_taken_back(open_browser, hub, repo):
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    page = open_browser()
    log_in(page)
    page.goto(f"/{repo}/settings")
    form = page.locator(f"form[action='/{repo}/settings/discussions']")
    form.get_by_text("Off", exact=True).check()
    form.get_by_role("button").click()
    page.get_by_text("Discussions are turned off.").wait_for()
    page.goto(f"/{repo}/settings/history")
    page.get_by_role("button", name="Undo: Turned discussions off").click()
    agree(page, True, "Undo")
    page.get_by_text("Turned discussions on again.").wait_for()
    assert api.create_discussion(repo, title="A question", description="Open again?").num == 1


def test_a_deleted_webhook_comes_back(open_browser, hub):
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    url = f"https://example.org/{uuid.uuid4().hex}"
    made = api.create_webhook(url=url, watched=[{"type": "user", "name": "ada"}], secret="s3cret")
    api.delete_webhook(made.id)
    page = open_browser(PHONE, java_script_enabled=False)
    log_in(page)
    page.goto("/settings/webhooks")
    page.get_by_role("link", name="Deleted webhooks").click()
    page.get_by_role("button", name=f"Restore {url}").wait_for()
    assert not [*overflow(page), *structure(page)]
    picture(page, "undo-webhook-phone")
    page.get_by_role("button", name=f"Restore {url}").click()
    page.get_by_text(f"The webhook to {url} is back").wait_for()
    assert api.get_webhook(made.id).secret == "s3cret"
    api.delete_webhook(made.id)


def test_a_deleted_group_comes_back(open_browser):
    page = open_browser()
    log_in(page)
    org = f"guild-{uuid.uuid4().hex[:8]}"
    found(page, org, members=("bob",))
    page.goto(f"/organizations/{org}/settings/groups")
    page.get_by_label("Name", exact=True).fill("research")
    page.get_by_role("button", name="Create group").click()
    page.get_by_text("The group research is there.").wait_for()
    page.wait_for_load_state()
    page.get_by_role("button", name="Delete this group").click()
    agree(page, True, "Delete")
    page.get_by_text("The group research was deleted. It can be restored for 30 days.").wait_for()
    for size, name in ((PHONE, "phone"), (DESKTOP, "desktop")):
        page.set_viewport_size(size)
        assert not problems_of(page)
        picture(page, f"undo-group-{name}")
    page.get_by_role("button", name="Restore research").click()
    page.get_by_text("The group research is back").wait_for()


def test_the_security_log_is_looked_through(open_browser, hub):
    page = open_browser()
    log_in(page)
    page.goto("/settings/security-log")
    page.get_by_label("What was done").select_option("Logged in")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**action=**")
    page.get_by_role("cell", name="Logged in").first.wait_for()
    for size, name in ((PHONE, "phone"), (DESKTOP, "desktop")):
        page.set_viewport_size(size)
        picture(page, f"security-log-{name}")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="CSV").click()
    assert waiting.value.suggested_filename == "security-log.csv"
