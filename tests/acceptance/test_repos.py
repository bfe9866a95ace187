"""Repositories come, change and go."""

import pytest
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, RepositoryNotFoundError

calls = pytest.mark.calls
TYPES = ["model", "dataset", "space"]


@calls("HfApi.create_repo", "HfApi.delete_repo", "HfApi.repo_exists")
@pytest.mark.parametrize("repo_type", TYPES)
def test_a_repository_comes_and_goes(api, unique, repo_type):
    name = unique()
    options = {"space_sdk": "gradio"} if repo_type == "space" else {}
    made = api.create_repo(f"bob/{name}", repo_type=repo_type, **options)
    assert (made.repo_id, made.repo_type, made.namespace) == (f"bob/{name}", repo_type, "bob")
    assert api.repo_exists(made.repo_id, repo_type=repo_type)
    assert ".gitattributes" in api.list_repo_files(made.repo_id, repo_type=repo_type)
    api.delete_repo(made.repo_id, repo_type=repo_type)
    assert not api.repo_exists(made.repo_id, repo_type=repo_type)


@calls("HfApi.create_repo")
def test_a_bare_name_lands_in_the_own_namespace(api, unique):
    assert api.create_repo(unique()).repo_id.startswith("bob/")


@calls("HfApi.create_repo")
def test_the_same_name_twice_is_a_conflict_unless_that_is_fine(api, new_repo):
    repo_id = new_repo()
    with pytest.raises(HfHubHTTPError, match="You already created this model repo") as refused:
        api.create_repo(repo_id)
    assert refused.value.response.status_code == 409
    assert api.create_repo(repo_id, exist_ok=True).repo_id == repo_id
    assert api.create_repo(repo_id.upper().replace("BOB", "bob"), exist_ok=True).repo_id == repo_id


@calls("HfApi.create_repo")
def test_one_name_serves_a_model_and_a_dataset(api, new_repo):
    repo_id = new_repo()
    api.create_repo(repo_id, repo_type="dataset")
    assert api.repo_exists(repo_id, repo_type="dataset")


@calls("HfApi.create_repo")
def test_exist_ok_falls_back_to_reading_where_writing_is_forbidden(api_of, new_repo):
    repo_id = new_repo(namespace="acme")
    assert api_of("dave").create_repo(repo_id, exist_ok=True).repo_id == repo_id


@calls("HfApi.create_repo")
@pytest.mark.parametrize("name", ["two--dashes", "two..dots", "ends.git", "-starts", "ends-", "x" * 97])
def test_bad_names_are_refused(url, name):
    from harness.people import TOKENS

    # The client refuses such names itself, so ask the way one without that check would.
    from huggingface_hub.utils import get_session

    reply = get_session().post(
        f"{url}/api/repos/create",
        json={"name": name, "organization": "bob"},
        headers={"Authorization": f"Bearer {TOKENS['bob']}"},
    )
    assert reply.status_code == 400
    assert reply.json()["error"]


@calls("HfApi.delete_repo")
def test_deleting_what_is_not_there(api, unique):
    with pytest.raises(RepositoryNotFoundError):
        api.delete_repo(f"bob/{unique()}")
    api.delete_repo(f"bob/{unique()}", missing_ok=True)


@calls("HfApi.delete_repo")
def test_a_stranger_may_not_delete(api_of, new_repo):
    repo_id = new_repo()
    with pytest.raises(HfHubHTTPError) as refused:
        api_of("dave").delete_repo(repo_id)
    assert refused.value.response.status_code == 403
    assert api_of("bob").repo_exists(repo_id)


@calls("HfApi.move_repo", "HfApi.model_info", "hf_hub_download", "HfApi.upload_file")
def test_the_old_id_keeps_working_after_a_move(api, new_repo, unique, tmp_path):
    from huggingface_hub import hf_hub_download

    old = new_repo(files={"a.txt": b"kept", "b.bin": b"\0large\0"})
    new = f"bob/{unique('moved')}"
    api.move_repo(old, new)
    assert api.model_info(new).id == new
    assert api.model_info(old).id == new
    assert "b.bin" in api.list_repo_files(old)
    for name, content in [("a.txt", b"kept"), ("b.bin", b"\0large\0")]:
        path = hf_hub_download(old, name, cache_dir=tmp_path, token=api.token)
        assert open(path, "rb").read() == content
    api.upload_file(path_or_fileobj=b"later", path_in_repo="c.txt", repo_id=old)
    assert api.file_exists(new, "c.txt")


@calls("HfApi.move_repo")
def test_a_repository_moves_into_an_organisation(api_of, new_repo, unique):
    old = new_repo("dataset", files={"a.txt": b"kept"})
    new = f"acme/{unique('moved')}"
    api_of("bob").move_repo(old, new, repo_type="dataset")
    assert api_of("ada").dataset_info(old).id == new


@calls("HfApi.move_repo")
def test_a_move_does_not_overwrite(api, new_repo):
    one, two = new_repo(), new_repo()
    with pytest.raises(HfHubHTTPError, match="A model repository called .* already exists"):
        api.move_repo(one, two)


@calls("HfApi.update_repo_settings")
@pytest.mark.parametrize("repo_type", TYPES)
def test_visibility_changes_who_sees_a_repository(api, api_of, new_repo, repo_type):
    repo_id = new_repo(repo_type)
    assert api_of("dave").repo_exists(repo_id, repo_type=repo_type)
    api.update_repo_settings(repo_id, private=True, repo_type=repo_type)
    assert api.repo_info(repo_id, repo_type=repo_type).private
    for person in ("dave", None):
        assert not api_of(person).repo_exists(repo_id, repo_type=repo_type)
    api.update_repo_settings(repo_id, visibility="public", repo_type=repo_type)
    assert api_of(None).repo_exists(repo_id, repo_type=repo_type)


@calls("HfApi.update_repo_settings")
def test_gated_shows_in_the_info(api, new_repo):
    repo_id = new_repo()
    for gated in ("auto", "manual", False):
        api.update_repo_settings(repo_id, gated=gated)
        assert api.model_info(repo_id).gated == gated


@calls("HfApi.create_repo")
def test_a_private_repository_is_like_a_missing_one(api_of, new_repo, unique):
    private = new_repo(private=True)
    texts = []
    for repo_id in (private, f"bob/{unique('missing')}"):
        for person in ("dave", None):
            with pytest.raises(RepositoryNotFoundError) as missing:
                api_of(person).model_info(repo_id)
            texts.append((missing.value.response.status_code, missing.value.response.json()["error"]))
    assert texts[0] == texts[2] and texts[1] == texts[3]


@calls("HfApi.duplicate_repo")
def test_a_duplicate_has_the_same_files(api, new_repo, unique, tmp_path):
    source = new_repo(files={"a.txt": b"a", "w.safetensors": b"\0" * 1000})
    target = f"bob/{unique('copy')}"
    assert api.duplicate_repo(source, target).repo_id == target
    assert sorted(api.list_repo_files(target)) == sorted(api.list_repo_files(source))
    copied = api.hf_hub_download(target, "w.safetensors", cache_dir=tmp_path)
    assert open(copied, "rb").read() == b"\0" * 1000
    api.upload_file(path_or_fileobj=b"new", path_in_repo="new.txt", repo_id=target)
    assert not api.file_exists(source, "new.txt")


@calls("HfApi.repo_info")
def test_ids_compare_case_insensitively_and_display_as_typed(api, unique):
    repo_id = f"bob/{unique('MixedCase')}"
    api.create_repo(repo_id)
    assert api.repo_info(repo_id.lower()).id == repo_id
    api.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=repo_id.lower())
    assert api.file_exists(repo_id, "x.txt")


@calls("HfApi.list_user_repos")
def test_the_own_repositories_are_listed_with_their_size(api, new_repo):
    repo_id = new_repo(files={"w.safetensors": b"\0" * 5000})
    mine = {repo.id: repo for repo in api.list_user_repos()}
    assert mine[repo_id].storage >= 5000


@calls("HfApi.create_repo")
def test_an_unknown_visibility_is_a_bad_request(api, unique, url):
    from huggingface_hub.utils import get_session, hf_raise_for_status

    reply = get_session().post(
        f"{url}/api/repos/create",
        json={"name": unique(), "visibility": "sideways"},
        headers={"Authorization": f"Bearer {api.token}"},
    )
    with pytest.raises(BadRequestError):
        hf_raise_for_status(reply)
