"""What was deleted or lost comes back, and the real clients get the same bytes."""

import os

import pytest
from harness.people import TOKENS
from huggingface_hub import CommitOperationAdd
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.utils import get_session

calls = pytest.mark.calls


def ask(url, method, path, body=None, person="bob"):
    """Asks the hub's own API, of which the client knows nothing."""
    headers = {"Authorization": f"Bearer {TOKENS[person]}"}
    reply = get_session().request(method, f"{url}{path}", json=body, headers=headers)
    assert reply.status_code == 200, reply.text
    return reply.json()


def undo_last(url, repo_id):
    """Takes the newest change of a model back."""
    change = ask(url, "GET", f"/api/models/{repo_id}/changes")[0]
    return ask(url, "POST", f"/api/models/{repo_id}/changes/{change['id']}/undo", {})


@calls("HfApi.delete_repo", "hf upload (Xet)", "hf download", "hf download (Xet)")
def test_a_deleted_repository_is_restored_with_its_bytes(url, api, hf, new_repo, written, computer, tmp_path):
    repo_id = new_repo(files={"README.md": b"# Kept\n"})
    files = {"lfs.bin": os.urandom(300_000), "xet.bin": os.urandom(400_000), "small.txt": b"small\n"}
    for name, content in files.items():
        # One of the files comes by Git LFS, as it does from clients without chunks.
        away = {"HF_HUB_DISABLE_XET": "1"} if name == "lfs.bin" else {}
        hf("upload", repo_id, written(name, content), name, **computer("one"), **away)
    api.delete_repo(repo_id)
    assert not api.repo_exists(repo_id)
    hf("download", repo_id, ok=False, **computer("two"))
    (deleted,) = [row for row in ask(url, "GET", "/api/settings/deleted-repos") if row["id"] == repo_id]
    assert deleted["type"] == "model" and deleted["deletedBy"] == "bob"
    assert ask(url, "POST", f"/api/deleted-repos/{deleted['_id']}/restore", {})["id"] == repo_id
    # By chunks, and as clients without them read it.
    for away in ({}, {"HF_HUB_DISABLE_XET": "1"}):
        folder = tmp_path / f"back-{len(away)}"
        hf("download", repo_id, "--local-dir", folder, **computer(f"three-{len(away)}"), **away)
        for name, content in files.items():
            assert (folder / name).read_bytes() == content, name
    with pytest.raises(RepositoryNotFoundError):
        api.model_info(f"{repo_id}-x")


@calls("HfApi.delete_repo", "HfApi.hf_hub_download", "HfApi.model_info", "HfApi.file_exists")
def test_who_pinned_a_commit_of_a_deleted_repository_is_told(api, api_of, new_repo, tmp_path):
    repo_id = new_repo(files={"a.txt": b"1"})
    sha = api.model_info(repo_id).sha
    api.delete_repo(repo_id)
    told = f"The public model {repo_id} was deleted"
    # Programs hear what they hear of a repository that is not there, so that each of them goes on as it does then.
    for client, status in ((api, 404), (api_of("dave"), 404), (api_of(None), 401)):
        with pytest.raises(RepositoryNotFoundError, match=told) as download:
            client.hf_hub_download(repo_id, "a.txt", revision=sha, cache_dir=tmp_path)
        with pytest.raises(RepositoryNotFoundError, match=told) as info:
            client.model_info(repo_id, revision=sha)
        with pytest.raises(RepositoryNotFoundError, match=told) as tree:
            list(client.list_repo_tree(repo_id, revision=sha))
        assert [error.value.response.status_code for error in (download, info, tree)] == [status] * 3
        assert not client.file_exists(repo_id, "a.txt", revision=sha)
        assert not client.repo_exists(repo_id)
    api.delete_repo(repo_id, missing_ok=True)


@calls("HfApi.super_squash_history")
def test_a_squashed_history_comes_back(url, api, new_repo):
    repo_id = new_repo(files={"a.txt": b"1"})
    add = CommitOperationAdd("a.txt", b"2")
    last = api.create_commit(repo_id, [add], commit_message="Two").oid
    api.super_squash_history(repo_id)
    assert len(api.list_repo_commits(repo_id)) == 1
    assert undo_last(url, repo_id)["ref"] == "refs/heads/main"
    assert api.list_repo_commits(repo_id)[0].commit_id == last
    assert len(api.list_repo_commits(repo_id)) == 3


@calls("HfApi.delete_branch", "HfApi.delete_tag")
def test_deleted_branches_and_tags_come_back(url, api, new_repo):
    repo_id = new_repo(files={"a.txt": b"1"})
    head = api.list_repo_commits(repo_id)[0].commit_id
    api.create_branch(repo_id, branch="dev")
    api.create_tag(repo_id, tag="v1", tag_message="The first")
    for name, delete in (("dev", lambda: api.delete_branch(repo_id, branch="dev")), ("v1", lambda: api.delete_tag(repo_id, tag="v1"))):
        delete()
        with pytest.raises(RevisionNotFoundError):
            api.model_info(repo_id, revision=name)
        undo_last(url, repo_id)
        assert api.model_info(repo_id, revision=name).sha == head


@calls("git push")
def test_a_forced_push_of_real_git_is_undone(url, git, api, new_repo, tmp_path):
    repo_id = new_repo(files={"a.txt": b"precious\n"})
    remote = url.replace("http://", f"http://bob:{TOKENS['bob']}@") + f"/{repo_id}"
    git("clone", "-q", remote, "work", cwd=tmp_path)
    work = tmp_path / "work"
    git("config", "user.email", "bob@example.org", cwd=work)
    git("config", "user.name", "bob", cwd=work)
    git("reset", "-q", "--hard", "HEAD^", cwd=work)
    git("commit", "-q", "--allow-empty", "-m", "Something else", cwd=work)
    git("push", "-q", "--force", "origin", "HEAD:main", cwd=work)
    assert "a.txt" not in api.list_repo_files(repo_id)
    undo_last(url, repo_id)
    git("clone", "-q", remote, "again", cwd=tmp_path)
    assert (tmp_path / "again/a.txt").read_bytes() == b"precious\n"
