"""Who am I, and what a wrong or weak token is told."""

import urllib.request

import pytest
from harness.people import TOKENS
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

calls = pytest.mark.calls


@calls("HfApi.whoami")
def test_whoami_names_the_person_the_token_and_the_organisations(api):
    me = api.whoami()
    assert (me["type"], me["name"], me["fullname"]) == ("user", "bob", "Bob Builder")
    assert me["email"] == "bob@example.org"
    assert me["auth"]["accessToken"]["displayName"] == "desk"
    assert me["auth"]["accessToken"]["role"] == "write"
    acme = next(org for org in me["orgs"] if org["name"] == "acme")
    assert acme["fullname"] == "Acme Research"
    assert acme["roleInOrg"] == "write"


@calls("HfApi.whoami")
def test_a_read_token_says_so(api_of):
    assert api_of("bob-read").whoami()["auth"]["accessToken"]["role"] == "read"


@calls("HfApi.whoami")
def test_an_invalid_token_is_called_invalid(url):
    with pytest.raises(HfHubHTTPError, match="(?i)invalid user token"):
        HfApi(endpoint=url, token="hf_" + "x" * 34).whoami()


@calls("HfApi.model_info")
def test_an_invalid_token_is_refused_even_for_public_things(url, new_repo):
    with pytest.raises(HfHubHTTPError, match="Invalid credentials in Authorization header") as refused:
        HfApi(endpoint=url, token="hf_" + "x" * 34).model_info(new_repo())
    assert refused.value.response.status_code == 401


@calls("HfApi.create_commit")
def test_a_read_token_may_not_write(api_of, new_repo):
    repo_id = new_repo()
    with pytest.raises(HfHubHTTPError, match="403 Forbidden") as refused:
        api_of("bob-read").upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=repo_id)
    assert refused.value.response.status_code == 403
    # The client shows what the hub says of the token.
    assert f"Your token `look` may read {repo_id}, but not write to it" in str(refused.value)


@calls("HfApi.create_repo")
def test_a_read_token_may_not_create(api_of, unique):
    with pytest.raises(HfHubHTTPError) as refused:
        api_of("bob-read").create_repo(f"bob/{unique()}")
    assert refused.value.response.status_code == 403


@calls("HfApi.create_repo")
def test_a_stranger_may_not_write_to_another_namespace(api_of, unique):
    with pytest.raises(HfHubHTTPError) as refused:
        api_of("dave").create_repo(f"acme/{unique()}")
    assert refused.value.response.status_code == 403


@calls("HfApi.upload_file")
def test_an_organisation_reader_reads_and_does_not_write(api_of, new_repo):
    repo_id = new_repo(namespace="acme", private=True, files={"a.txt": b"a"})
    assert api_of("carol").file_exists(repo_id, "a.txt")
    with pytest.raises(HfHubHTTPError) as refused:
        api_of("carol").upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=repo_id)
    assert refused.value.response.status_code == 403


@calls("HfApi.upload_file")
def test_an_organisation_writer_writes(api_of, new_repo):
    repo_id = new_repo(namespace="acme")
    api_of("bob").upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=repo_id)
    assert api_of("ada").file_exists(repo_id, "x.txt")


@calls("HfApi.auth_check")
def test_auth_check_tells_readers_from_strangers(api_of, new_repo):
    from huggingface_hub.errors import RepositoryNotFoundError

    repo_id = new_repo(private=True)
    api_of("bob").auth_check(repo_id)
    api_of("bob").auth_check(repo_id, write=True)
    with pytest.raises(RepositoryNotFoundError):
        api_of("dave").auth_check(repo_id)


@calls("HfApi.get_user_overview", "HfApi.get_organization_overview", "HfApi.list_organization_members")
def test_people_and_organisations_have_overviews(api):
    assert api.get_user_overview("bob").fullname == "Bob Builder"
    assert api.get_organization_overview("acme").fullname == "Acme Research"
    assert {user.username for user in api.list_organization_members("acme")} >= {"ada", "bob", "carol"}


@calls("HfApi.list_user_followers", "HfApi.list_user_following", "HfApi.list_organization_followers")
def test_who_follows_whom_is_listed(api, url):
    for path in ("users/carol", "organizations/acme"):
        headers = {"Authorization": f"Bearer {TOKENS['dave']}"}
        urllib.request.urlopen(urllib.request.Request(f"{url}/api/{path}/follow", b"", headers), timeout=30).close()
    followers = {user.username: user for user in api.list_user_followers("carol")}
    assert followers["dave"].fullname == "Dave Stranger" and followers["dave"].avatar_url
    assert "carol" in {user.username for user in api.list_user_following("dave")}
    assert "dave" in {user.username for user in api.list_organization_followers("acme")}


def test_tokens_are_of_the_shape_that_javascript_accepts():
    assert all(token.startswith("hf_") and len(token) == 37 for token in TOKENS.values())
