"""Resource groups of an organisation, as clients use them."""

import json
import subprocess
import urllib.request

import pytest
from harness.people import TOKENS
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

calls = pytest.mark.calls


@pytest.fixture
def group(url, unique):
    """A group of acme's, in which carol reads. Bob, who may write in acme, is not in it."""
    body = {"name": unique("group"), "users": [{"user": "carol", "role": "read"}]}
    request = urllib.request.Request(
        f"{url}/api/organizations/acme/resource-groups",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {TOKENS['ada']}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as made:
        return json.load(made)["id"]


@calls("HfApi.create_repo", "HfApi.list_models", "HfApi.model_info", "HfApi.duplicate_repo")
def test_a_repository_in_a_group_is_its_members(api_of, group, unique, url, tmp_path):
    ada, bob, carol = api_of("ada"), api_of("bob"), api_of("carol")
    repo_id = f"acme/{unique('grouped')}"
    ada.create_repo(repo_id, private=True, resource_group_id=group)
    assert ada.model_info(repo_id, expand=["resourceGroup"]).resource_group["id"] == group
    listed = lambda api: repo_id in {model.id for model in api.list_models(author="acme", limit=500)}  # noqa: E731 - a name for one expression
    assert [listed(api) for api in (ada, carol, bob, api_of(None))] == [True, True, False, False]
    carol.hf_hub_download(repo_id, ".gitattributes", cache_dir=tmp_path / "carol")
    with pytest.raises(RepositoryNotFoundError):
        bob.model_info(repo_id)
    with pytest.raises(RepositoryNotFoundError):
        bob.hf_hub_download(repo_id, ".gitattributes", cache_dir=tmp_path / "bob")
    with pytest.raises(HfHubHTTPError):
        carol.upload_file(path_or_fileobj=b"x", path_in_repo="x", repo_id=repo_id)
    for person, clones in (("carol", True), ("bob", False)):
        address = url.replace("://", f"://{person}:{TOKENS[person]}@") + f"/{repo_id}"
        done = subprocess.run(["git", "clone", address, str(tmp_path / f"clone-{person}")], capture_output=True, timeout=60)
        assert (done.returncode == 0) == clones, done.stderr
    with pytest.raises(HfHubHTTPError):
        carol.create_repo(f"acme/{unique()}", resource_group_id=group)
    with pytest.raises(HfHubHTTPError):
        bob.create_repo(f"acme/{unique()}", resource_group_id=group)


@calls("HfApi.create_collection (resource_group_id)", "HfApi.update_collection_resource_group")
def test_a_collection_in_a_group_is_its_members(api_of, group, unique):
    ada, bob, carol = api_of("ada"), api_of("bob"), api_of("carol")
    made = ada.create_collection(unique("plans"), namespace="acme", private=True, resource_group_id=group)
    assert carol.get_collection(made.slug).slug == made.slug
    for refused in (lambda: bob.get_collection(made.slug), lambda: carol.update_collection_metadata(made.slug, title="x")):
        with pytest.raises(HfHubHTTPError):
            refused()
    ada.update_collection_resource_group(made.slug, None)
    assert bob.get_collection(made.slug).private
    with pytest.raises(HfHubHTTPError, match="not in it"):
        bob.update_collection_resource_group(made.slug, group)
    ada.update_collection_resource_group(made.slug, group)
    with pytest.raises(HfHubHTTPError):
        bob.get_collection(made.slug)
