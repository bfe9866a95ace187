"""Files come down: cached, resumed, filtered, offline, and refused with the right error."""

import os
import subprocess
import sys

import pytest
from harness.cutting_proxy import CuttingProxy
from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_download, hf_hub_url, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

calls = pytest.mark.calls
FILES = {
    "README.md": b"# Model\n",
    "config.json": b'{"model_type": "bert"}',
    "w.safetensors": b"\0\1\2\3" * 5_000,
    "onnx/w.onnx": b"\0onnx" * 100,
    "empty.txt": b"",
}


@pytest.fixture
def repo_id(new_repo):
    return new_repo(files=FILES)


@calls("hf_hub_download")
@pytest.mark.parametrize("repo_type", ["model", "dataset", "space"])
def test_files_come_down_as_they_went_up(api, new_repo, tmp_path, repo_type):
    repo_id = new_repo(repo_type, files=FILES)
    for name, content in FILES.items():
        path = api.hf_hub_download(repo_id, name, repo_type=repo_type, cache_dir=tmp_path)
        assert open(path, "rb").read() == content


@calls("hf_hub_download (anonymous)")
def test_public_files_need_no_token(url, repo_id, tmp_path):
    path = hf_hub_download(repo_id, "w.safetensors", cache_dir=tmp_path, token=False, endpoint=url)
    assert open(path, "rb").read() == FILES["w.safetensors"]


def test_a_page_of_the_hub_gets_large_pictures_from_the_hub_itself(api, url, repo_id):
    import urllib.request

    class NoRedirects(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    headers = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "image", "Authorization": f"Bearer {api.token}"}
    request = urllib.request.Request(f"{url}/{repo_id}/resolve/main/w.safetensors", headers=headers)
    # What the page's policy would keep the browser from following is not sent elsewhere.
    answer = urllib.request.build_opener(NoRedirects).open(request)
    assert answer.status == 200 and answer.read() == FILES["w.safetensors"]


@calls("hf_hub_download (cache)")
@pytest.mark.parametrize("name", ["config.json", "w.safetensors"])
def test_a_second_download_fetches_nothing(api, repo_id, tmp_path, name):
    path = api.hf_hub_download(repo_id, name, cache_dir=tmp_path)
    # A file that is fetched again would lose this mark.
    with open(path, "ab") as kept:
        kept.write(b"mark")
    assert not api.hf_hub_download(repo_id, name, cache_dir=tmp_path, dry_run=True).will_download
    assert api.hf_hub_download(repo_id, name, cache_dir=tmp_path) == path
    assert open(path, "rb").read().endswith(b"mark")


@calls("hf_hub_download (cache)")
def test_the_same_content_in_two_revisions_is_fetched_once(api, repo_id, tmp_path):
    first = api.hf_hub_download(repo_id, "w.safetensors", cache_dir=tmp_path)
    api.upload_file(path_or_fileobj=b"{}", path_in_repo="other.json", repo_id=repo_id)
    second = api.hf_hub_download(repo_id, "w.safetensors", cache_dir=tmp_path)
    assert first != second
    assert os.path.realpath(first) == os.path.realpath(second)


@calls("hf_hub_download (offline)")
def test_what_was_downloaded_is_there_offline(api, repo_id, tmp_path, home):
    path = api.hf_hub_download(repo_id, "config.json", cache_dir=tmp_path)
    code = f"from huggingface_hub import hf_hub_download; print(hf_hub_download({repo_id!r}, 'config.json', cache_dir={str(tmp_path)!r}))"
    env = {**home, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == path
    with pytest.raises(LocalEntryNotFoundError):
        api.hf_hub_download(repo_id, "README.md", cache_dir=tmp_path, local_files_only=True)


@calls("hf_hub_download (resume)")
def test_a_broken_download_goes_on_where_it_stopped(url, api, new_repo, tmp_path):
    content = b"".join(b"line %d of a long text\n" % number for number in range(200_000))
    repo_id = new_repo(files={"long.txt": content})
    proxy = CuttingProxy(url, after=1_500_000, cuts=2)
    try:
        through = HfApi(endpoint=proxy.url, token=api.token)
        path = through.hf_hub_download(repo_id, "long.txt", cache_dir=tmp_path)
    finally:
        proxy.close()
    assert proxy.made == 2
    assert open(path, "rb").read() == content


@calls("http_get (resume)")
@pytest.mark.parametrize("name", ["README.md", "w.safetensors"])
def test_a_download_resumes_by_range(url, repo_id, tmp_path, name):
    from huggingface_hub.file_download import http_get

    address = hf_hub_url(repo_id, name, endpoint=url)
    with open(tmp_path / "part", "wb") as part:
        # Not what the file starts with: it stays only if the rest alone is fetched.
        part.write(b"PART")
        http_get(address, part, resume_size=4, expected_size=len(FILES[name]))
    assert (tmp_path / "part").read_bytes() == b"PART" + FILES[name][4:]


@calls("hf_hub_download (local_dir)")
def test_files_come_into_a_folder_of_ones_own(api, repo_id, tmp_path):
    path = api.hf_hub_download(repo_id, "onnx/w.onnx", local_dir=tmp_path)
    assert path == str(tmp_path / "onnx/w.onnx")
    before = os.stat(path).st_mtime_ns
    api.hf_hub_download(repo_id, "onnx/w.onnx", local_dir=tmp_path)
    assert os.stat(path).st_mtime_ns == before
    api.upload_file(path_or_fileobj=b"\0new", path_in_repo="onnx/w.onnx", repo_id=repo_id)
    api.hf_hub_download(repo_id, "onnx/w.onnx", local_dir=tmp_path)
    assert (tmp_path / "onnx/w.onnx").read_bytes() == b"\0new"


@calls("hf_hub_download (subfolder)", "hf_hub_download (revision)")
def test_a_revision_is_a_branch_a_tag_or_a_commit(api, repo_id, tmp_path):
    first = api.model_info(repo_id).sha
    api.create_branch(repo_id, branch="feat/b")
    api.create_tag(repo_id, tag="v1.0")
    api.upload_file(path_or_fileobj=b"{}", path_in_repo="config.json", repo_id=repo_id)
    for revision in ("feat/b", "v1.0", first, first[:10], "refs/heads/feat/b"):
        path = api.hf_hub_download(repo_id, "config.json", revision=revision, cache_dir=tmp_path)
        assert open(path, "rb").read() == FILES["config.json"], revision
        assert f"/{first}/" in path
    path = api.hf_hub_download(repo_id, "w.onnx", subfolder="onnx", cache_dir=tmp_path)
    assert open(path, "rb").read() == FILES["onnx/w.onnx"]


@calls("get_hf_file_metadata")
def test_the_metadata_of_a_file(url, api, repo_id):
    import hashlib

    sha = api.model_info(repo_id).sha
    small = get_hf_file_metadata(hf_hub_url(repo_id, "config.json", endpoint=url), token=api.token)
    assert (small.commit_hash, small.size) == (sha, len(FILES["config.json"]))
    assert small.etag == api.get_paths_info(repo_id, "config.json")[0].blob_id
    large = get_hf_file_metadata(hf_hub_url(repo_id, "w.safetensors", endpoint=url), token=api.token)
    assert (large.commit_hash, large.size) == (sha, len(FILES["w.safetensors"]))
    assert large.etag == hashlib.sha256(FILES["w.safetensors"]).hexdigest()


@calls("snapshot_download")
@pytest.mark.parametrize("repo_type", ["model", "dataset"])
def test_a_snapshot_is_the_whole_repository(api, new_repo, tmp_path, repo_type):
    repo_id = new_repo(repo_type, files=FILES)
    folder = api.snapshot_download(repo_id, repo_type=repo_type, cache_dir=tmp_path)
    for name, content in FILES.items():
        assert open(f"{folder}/{name}", "rb").read() == content
    assert os.path.exists(f"{folder}/.gitattributes")


@calls("snapshot_download (patterns)")
def test_a_snapshot_of_some_files(api, repo_id, tmp_path):
    folder = api.snapshot_download(
        repo_id, cache_dir=tmp_path, allow_patterns=["*.json", "*.onnx", "*.md"], ignore_patterns=["onnx/*"]
    )
    assert {path.name for path in os.scandir(folder)} == {"README.md", "config.json"}


@calls("snapshot_download (revision)", "snapshot_download (local_dir)")
def test_a_snapshot_of_a_revision_into_a_folder(url, api, repo_id, tmp_path):
    first = api.model_info(repo_id).sha
    api.delete_file("config.json", repo_id)
    snapshot_download(repo_id, revision=first, local_dir=tmp_path, token=api.token, endpoint=url)
    assert (tmp_path / "config.json").read_bytes() == FILES["config.json"]


@calls("snapshot_download (offline)")
def test_a_snapshot_is_there_offline(api, repo_id, tmp_path):
    folder = api.snapshot_download(repo_id, cache_dir=tmp_path)
    assert api.snapshot_download(repo_id, cache_dir=tmp_path, local_files_only=True) == folder


@calls("RepositoryNotFoundError")
@pytest.mark.parametrize("person", ["bob", None])
def test_a_missing_repository(api_of, unique, tmp_path, person):
    with pytest.raises(RepositoryNotFoundError, match="Request ID"):
        api_of(person).hf_hub_download(f"bob/{unique()}", "a.txt", cache_dir=tmp_path)
    with pytest.raises(RepositoryNotFoundError):
        api_of(person).snapshot_download(f"bob/{unique()}", cache_dir=tmp_path)


@calls("RevisionNotFoundError")
def test_a_missing_revision(api, repo_id, tmp_path):
    for revision in ("nowhere", "0" * 40):
        with pytest.raises(RevisionNotFoundError):
            api.hf_hub_download(repo_id, "config.json", revision=revision, cache_dir=tmp_path)
        with pytest.raises(RevisionNotFoundError):
            api.model_info(repo_id, revision=revision)


@calls("EntryNotFoundError")
def test_a_missing_file_is_remembered_as_missing(api, repo_id, tmp_path):
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.file_download import _CACHED_NO_EXIST

    with pytest.raises(EntryNotFoundError):
        api.hf_hub_download(repo_id, "adapter_config.json", cache_dir=tmp_path)
    known = try_to_load_from_cache(repo_id, "adapter_config.json", cache_dir=tmp_path)
    assert known is _CACHED_NO_EXIST


@calls("hf_hub_download (private)")
@pytest.mark.parametrize("name", ["config.json", "w.safetensors"])
def test_private_files_are_for_readers_alone(api_of, new_repo, tmp_path, name):
    repo_id = new_repo(files=FILES, private=True, namespace="acme")
    path = api_of("carol").hf_hub_download(repo_id, name, cache_dir=tmp_path / "carol")
    assert open(path, "rb").read() == FILES[name]
    for person in ("dave", None):
        with pytest.raises(RepositoryNotFoundError):
            api_of(person).hf_hub_download(repo_id, name, cache_dir=tmp_path / str(person))


@calls("hf_hub_download")
def test_odd_names_come_down(api, new_repo, tmp_path):
    names = ["with space.txt", "plus+and&.txt", "100%.txt", "hash#tag.txt", "日本語/ファイル.txt", "a'b.txt", "[x].txt"]
    repo_id = new_repo(files={name: name.encode() for name in names})
    for name in names:
        path = api.hf_hub_download(repo_id, name, cache_dir=tmp_path)
        assert open(path, "rb").read() == name.encode()
    assert set(names) <= set(api.list_repo_files(repo_id))


@calls("HfApi.file_exists", "HfApi.revision_exists", "HfApi.repo_exists")
def test_questions_about_existence(api, repo_id, unique):
    assert api.file_exists(repo_id, "onnx/w.onnx")
    assert not api.file_exists(repo_id, "onnx/none")
    assert not api.file_exists(f"bob/{unique()}", "a.txt")
    assert api.revision_exists(repo_id, "main")
    assert not api.revision_exists(repo_id, "nowhere")
    assert not api.repo_exists(f"nobody-{unique()}/x")


@calls("HfApi.verify_repo_checksums")
def test_checksums_of_a_snapshot_are_verified(api, repo_id, tmp_path):
    api.snapshot_download(repo_id, local_dir=tmp_path)
    assert not api.verify_repo_checksums(repo_id, local_dir=tmp_path).mismatches
    (tmp_path / "w.safetensors").write_bytes(b"\0")
    assert api.verify_repo_checksums(repo_id, local_dir=tmp_path).mismatches


@calls("hf_hub_download")
def test_a_range_beyond_the_end_says_so(url, api, repo_id):
    from huggingface_hub.utils import get_session, hf_raise_for_status

    address = hf_hub_url(repo_id, "config.json", endpoint=url)
    reply = get_session().get(address, headers={"Range": "bytes=1000-"}, follow_redirects=True)
    assert reply.status_code == 416
    assert reply.headers["content-range"] == f"bytes */{len(FILES['config.json'])}"
    with pytest.raises(HfHubHTTPError):
        hf_raise_for_status(reply)
