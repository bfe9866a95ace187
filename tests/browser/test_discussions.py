"""Two people and a repository: one asks and proposes, the other answers and merges."""

import pytest
from conftest import log_in
from harness.people import TOKENS


@pytest.fixture
def repo(hub, tmp_path):
    """A fresh model of ada's with a file."""
    import uuid

    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    repo_id = f"ada/talk-{uuid.uuid4().hex[:8]}"
    api.create_repo(repo_id)
    api.upload_file(path_or_fileobj=b"one\ntwo\n", path_in_repo="a.txt", repo_id=repo_id)
    return repo_id


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_one_asks_and_the_other_answers(open_browser, hub, repo, scripts):
    dave, ada = open_browser(java_script_enabled=scripts), open_browser(java_script_enabled=scripts)
    log_in(dave, "dave")
    dave.goto(f"/{repo}")
    dave.get_by_role("link", name="Community").click()
    dave.get_by_role("link", name="New discussion").click()
    dave.get_by_label("Title").fill("How was it made?")
    dave.get_by_label("What is it about?").fill("Tell me, @ada: is it **new**?")
    dave.get_by_role("button", name="Open discussion").click()
    dave.wait_for_url("**/discussions/1")
    assert dave.locator(".prose strong").inner_text() == "new"
    log_in(ada)
    ada.goto(f"/{repo}")
    ada.get_by_role("link", name="Community 1").click()
    ada.get_by_role("link", name="How was it made?").click()
    assert ada.locator(".prose").get_by_role("link", name="@ada").get_attribute("href") == "/ada"
    ada.get_by_label("Comment", exact=True).last.fill("It is. <script>document.title = 'owned'</script>")
    ada.get_by_role("button", name="Comment", exact=True).click()
    ada.get_by_text("It is.").first.wait_for()
    assert ada.title() != "owned"
    ada.get_by_text("Rename, pin or lock").click() if scripts else ada.locator("details summary", has_text="Rename").click()
    ada.get_by_label("Title").fill("How it was made")
    ada.get_by_role("button", name="Rename", exact=True).click()
    ada.get_by_role("heading", name="How it was made").wait_for()
    dave.reload()
    dave.get_by_label("Comment", exact=True).last.fill("Thank you")
    dave.get_by_role("button", name="Close", exact=True).click()
    dave.get_by_text("closed this").wait_for()
    dave.goto(f"/{repo}/discussions")
    dave.get_by_text("None is like this.").wait_for()
    dave.get_by_role("link", name="1 closed").click()
    dave.get_by_role("link", name="How it was made").wait_for()


def test_one_proposes_and_the_other_merges(open_browser, hub, repo):
    from huggingface_hub import HfApi

    made = HfApi(endpoint=hub.url, token=TOKENS["dave"]).upload_file(
        path_or_fileobj=b"one\n2\n", path_in_repo="a.txt", repo_id=repo, commit_message="Write 2", create_pr=True
    )
    dave, ada = open_browser(), open_browser()
    log_in(dave, "dave")
    dave.goto(made.pr_url)
    dave.get_by_text("It can be merged by those who may write").wait_for()
    log_in(ada)
    ada.goto(made.pr_url)
    ada.get_by_role("link", name="Files changed").click()
    assert "2" in ada.locator(".diff-added .diff-text").inner_text()
    ada.get_by_role("link", name="Conversation").click()
    ada.get_by_role("button", name="Merge").click()
    ada.get_by_text("merged this").wait_for()
    ada.goto(f"/{repo}/commits/main")
    ada.get_by_role("link", name="Write 2 (#1)").wait_for()
    dave.reload()
    assert dave.get_by_role("button", name="Merge").count() == 0


def test_a_conflict_is_explained(open_browser, hub, repo):
    from huggingface_hub import HfApi

    made = HfApi(endpoint=hub.url, token=TOKENS["dave"]).upload_file(
        path_or_fileobj=b"dave\n", path_in_repo="a.txt", repo_id=repo, create_pr=True
    )
    HfApi(endpoint=hub.url, token=TOKENS["ada"]).upload_file(path_or_fileobj=b"ada\n", path_in_repo="a.txt", repo_id=repo)
    ada = open_browser()
    log_in(ada)
    ada.goto(made.pr_url)
    ada.get_by_text("It cannot be merged as it is").wait_for()
    assert ada.locator("li code", has_text="a.txt").is_visible()
    assert ada.get_by_role("button", name="Merge").count() == 0
