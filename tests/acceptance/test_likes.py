"""Likes, and what lists say of them."""

import pytest
from harness.people import TOKENS
from harness.waiting import wait_until
from huggingface_hub.utils import get_session

calls = pytest.mark.calls


def like(url, repo_id, person, kind="models"):
    headers = {"Authorization": f"Bearer {TOKENS[person]}"}
    answer = get_session().post(f"{url}/api/{kind}/{repo_id}/like", headers=headers)
    answer.raise_for_status()
    return answer.json()["likes"]


@calls("HfApi.list_repo_likers", "HfApi.list_liked_repos", "HfApi.unlike")
def test_likes_are_listed_and_taken_back(api, new_repo, url):
    repo_id = new_repo()
    assert like(url, repo_id, "bob") == 1
    assert [user.username for user in api.list_repo_likers(repo_id)] == ["bob"]
    assert repo_id in api.list_liked_repos().models and repo_id in api.list_liked_repos("bob").models
    assert api.model_info(repo_id).likes == 1
    api.unlike(repo_id)
    assert repo_id not in api.list_liked_repos("bob").models
    assert not list(api.list_repo_likers(repo_id)) and api.model_info(repo_id).likes == 0


@calls("HfApi.list_models (sort)")
def test_lists_go_by_likes_and_downloads(api, api_of, new_repo, url, unique):
    tag = unique("tag")
    card = f"---\ntags: [{tag}]\n---\n".encode()
    first, second = (new_repo(files={"README.md": card, "model.safetensors": b"w" * 64}) for _ in range(2))
    for person in ("bob", "ada"):
        like(url, first, person)
    assert [model.id for model in api.list_models(filter=tag, sort="likes")] == [first, second]


def test_downloads_are_counted_within_seconds(api, new_repo, tmp_path):
    repo_id = new_repo(files={"model.safetensors": b"w" * 64, "config.json": b"{}"})
    for number in range(2):
        api.snapshot_download(repo_id, cache_dir=tmp_path / str(number))
    api.model_info(repo_id)
    wait_until(lambda: api.model_info(repo_id, expand=["downloads"]).downloads)
    info = api.model_info(repo_id, expand=["downloads", "downloadsAllTime"])
    assert (info.downloads, info.downloads_all_time) == (1, 1)
