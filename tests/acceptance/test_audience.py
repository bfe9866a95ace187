"""Repositories that are not for all audiences: clients see the tag, find them in lists, and download as ever."""

import subprocess

import pytest

TAG = "not-for-all-audiences"
CARD = f"---\nlicense: mit\ntags: [{TAG}]\n---\n# Night\n".encode()


@pytest.mark.parametrize("repo_type", ["model", "dataset", "space"])
def test_the_tag_is_seen_and_everything_downloads(url, api, api_of, new_repo, tmp_path, repo_type):
    repo_id = new_repo(repo_type, files={"README.md": CARD, "w.bin": b"\0weights" * 3000})
    for who in (api, api_of(None)):
        info = who.repo_info(repo_id, repo_type=repo_type)
        assert TAG in info.tags and info.card_data["tags"] == [TAG]
        folder = who.snapshot_download(repo_id, repo_type=repo_type, local_dir=tmp_path / str(id(who)))
        with open(f"{folder}/w.bin", "rb") as file:
            assert file.read() == b"\0weights" * 3000
        listed = getattr(who, f"list_{repo_type}s")(author="bob", filter=TAG)
        assert repo_id in [repo.id for repo in listed]
    if repo_type == "model":
        subprocess.run(["git", "clone", "-q", f"{url}/{repo_id}", tmp_path / "clone"], check=True, env={"GIT_LFS_SKIP_SMUDGE": "1"})
        assert (tmp_path / "clone/README.md").read_bytes() == CARD
