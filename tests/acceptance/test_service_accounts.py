"""A service account of an organisation: its token in the hands of the real client."""

import re
import subprocess

import pytest
from harness.people import PASSWORD, TOKENS
from harness.visitor import Visitor
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError


@pytest.fixture
def admin(url):
    """Ada's browser."""
    visitor = Visitor(url)
    visitor.submit("/login", "/login", username="ada", password=PASSWORD, next="/models")
    return visitor


def test_a_program_works_by_a_service_account(url, admin, unique, api_of, tmp_path):
    name, accounts = unique("ci"), "/organizations/acme/settings/service-accounts"
    page = admin.submit(accounts, accounts, name=name, purpose="Builds.", role="contributor")
    assert f"The service account {name} is there" in page
    page = admin.submit(f"{accounts}/{name}", f"{accounts}/{name}/tokens", name="runner", role="write", expires="7")
    token = re.search(r'aria-label="New token" readonly value="(hf_\w+)"', page)[1]
    bot = HfApi(endpoint=url, token=token)

    me = bot.whoami()
    assert (me["name"], me["type"], me["email"], me["orgs"][0]["name"]) == (name, "user", None, "acme")
    repo_id = f"acme/{unique('built')}"
    bot.create_repo(repo_id, private=True)
    bot.upload_file(path_or_fileobj=b"built\n", path_in_repo="out.txt", repo_id=repo_id)
    assert open(bot.hf_hub_download(repo_id, "out.txt", cache_dir=tmp_path), "rb").read() == b"built\n"
    assert bot.list_repo_commits(repo_id)[0].authors == [name]
    bot.create_discussion(repo_id, "It broke")
    assert [found.author for found in bot.get_repo_discussions(repo_id)] == [name]
    clone = subprocess.run(
        ["git", "clone", url.replace("://", f"://{name}:{token}@") + f"/{repo_id}", str(tmp_path / "clone")],
        capture_output=True,
        timeout=60,
    )
    assert clone.returncode == 0, clone.stderr

    # Nothing is its own, others' is not its, and a contributor writes only to what it made.
    bobs = f"acme/{unique('bobs')}"
    api_of("bob").create_repo(bobs)
    for refused in (
        lambda: bot.create_repo("own"),
        lambda: bot.create_repo(f"bob/{unique()}"),
        lambda: bot.upload_file(path_or_fileobj=b"x", path_in_repo="x", repo_id=bobs),
        lambda: bot.list_webhooks(),
    ):
        with pytest.raises(HfHubHTTPError) as error:
            refused()
        assert error.value.response.status_code == 403
    hidden = f"bob/{unique('hidden')}"
    api_of("bob").create_repo(hidden, private=True)
    with pytest.raises(RepositoryNotFoundError):
        bot.model_info(hidden)

    admin.submit(f"{accounts}/{name}", f"{accounts}/{name}/switch", action="disable")
    with pytest.raises(HfHubHTTPError) as error:
        bot.list_repo_commits(repo_id)
    assert error.value.response.status_code == 403
    admin.submit(f"{accounts}/{name}", f"{accounts}/{name}/delete")
    with pytest.raises(HfHubHTTPError) as error:
        bot.whoami()
    assert error.value.response.status_code == 401
    assert HfApi(endpoint=url, token=TOKENS["ada"]).list_repo_commits(repo_id)[0].authors == [name]
