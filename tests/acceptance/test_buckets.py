"""Buckets: storage without git, by the API, the `hf` command, syncing of folders and `hf://buckets/` paths."""

import hashlib
import os
import warnings

import huggingface_hub
import pytest
from huggingface_hub import HfFileSystem
from huggingface_hub.errors import BucketNotFoundError, HfHubHTTPError

calls = pytest.mark.calls
NEW = huggingface_hub.__version__.startswith("2.")
BIG = os.urandom(3_000_000)
FILES = {"a.txt": b"alpha\n", "logs/1.log": b"one\n", "logs/deep/2.log": b"two\n", "logs.json": b"{}", "empty": b"", "big.bin": BIG}


def paths(entries):
    return [entry.path for entry in entries]


def tree(api, bucket_id, prefix=None, recursive=True):
    return paths(api.list_bucket_tree(bucket_id, prefix, recursive=recursive))


def folder_of(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def write(root, files):
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


@calls("create_bucket", "bucket_info", "list_buckets", "delete_bucket")
def test_a_bucket_lives_and_dies(api, api_of, unique):
    name = unique("bucket")
    url = api.create_bucket(name, private=True)
    assert url.bucket_id == f"bob/{name}" and url.namespace == "bob"
    assert api.create_bucket(url.bucket_id, exist_ok=True).bucket_id == url.bucket_id
    with pytest.raises(HfHubHTTPError, match="already"):
        api.create_bucket(url.bucket_id)
    info = api.bucket_info(url.bucket_id)
    assert (info.id, info.private, info.size, info.total_files) == (url.bucket_id, True, 0, 0)
    assert [found.id for found in api.list_buckets(search=name)] == [url.bucket_id]
    assert url.bucket_id in [found.id for found in api.list_buckets("bob")]
    stranger = api_of("dave")
    assert list(stranger.list_buckets("bob", search=name)) == []
    for other in (stranger, api_of(None)):
        with pytest.raises(BucketNotFoundError):
            other.bucket_info(url.bucket_id)
    with pytest.raises(HfHubHTTPError):
        stranger.create_bucket(f"bob/{unique('bucket')}", exist_ok=True)
    api.delete_bucket(url.bucket_id)
    api.delete_bucket(url.bucket_id, missing_ok=True)
    with pytest.raises(BucketNotFoundError):
        api.delete_bucket(url.bucket_id)


@calls("move_bucket", "update_bucket_settings")
def test_a_bucket_is_moved_and_opened(api, api_of, new_bucket, unique):
    old = new_bucket({"a.txt": b"alpha"}, private=True)
    new = f"bob/{unique('moved')}"
    api.move_bucket(old, new)
    assert api.bucket_info(old).id == new
    assert tree(api, old) == ["a.txt"]
    if NEW:
        api.update_bucket_settings(new, private=False)
        assert not api.bucket_info(new).private
        assert tree(api_of(None), new) == ["a.txt"]


@calls("batch_bucket_files", "list_bucket_tree", "get_bucket_paths_info")
def test_files_come_and_go(api, new_bucket):
    bucket_id = new_bucket(FILES)
    assert tree(api, bucket_id) == sorted(FILES)
    assert tree(api, bucket_id, recursive=False) == ["a.txt", "big.bin", "empty", "logs.json", "logs"]
    assert set(tree(api, bucket_id, "logs", recursive=False)) == {"logs.json", "logs/1.log", "logs/deep"}
    assert tree(api, bucket_id, "logs/") == ["logs/1.log", "logs/deep/2.log"]
    info = api.bucket_info(bucket_id)
    assert (info.total_files, info.size) == (len(FILES), sum(map(len, FILES.values())))
    found = {file.path: file for file in api.get_bucket_paths_info(bucket_id, ["a.txt", "empty", "nope", "logs"])}
    assert {path: file.size for path, file in found.items()} == {"a.txt": 6, "empty": 0}
    assert found["a.txt"].mtime and found["a.txt"].uploaded_at
    api.batch_bucket_files(bucket_id, add=[(b"beta", "a.txt"), (b"new", "n")], delete=["logs/1.log", "nope"])
    assert tree(api, bucket_id) == ["a.txt", "big.bin", "empty", "logs.json", "logs/deep/2.log", "n"]
    assert next(iter(api.get_bucket_paths_info(bucket_id, ["a.txt"]))).size == 4


@calls("download_bucket_files", "get_bucket_file_metadata")
def test_files_are_downloaded(api, api_of, new_bucket, tmp_path):
    bucket_id = new_bucket(FILES)
    assert api.get_bucket_file_metadata(bucket_id, "big.bin").size == len(BIG)
    api_of(None).download_bucket_files(bucket_id, [(path, tmp_path / path) for path in FILES])
    assert folder_of(tmp_path) == FILES
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        api.download_bucket_files(bucket_id, [("nope", tmp_path / "nope")])
    assert "not found" in str(said[0].message)


@calls("batch_bucket_files (refused)")
def test_a_batch_is_all_or_nothing(api, new_bucket):
    bucket_id = new_bucket({"a": b"alpha"})
    with pytest.raises(HfHubHTTPError) as refused:
        api.batch_bucket_files(bucket_id, add=[(b"x", "good"), (b"y", "../bad")], delete=["a"])
    assert tree(api, bucket_id) == ["a"]
    assert "../bad" in str(refused.value)
    if NEW:
        assert [failure["path"] for failure in refused.value.failures] == ["../bad"]


@calls("sync_bucket")
def test_folders_are_synced_both_ways(api, new_bucket, tmp_path):
    bucket_id = new_bucket()
    here, there = tmp_path / "here", tmp_path / "there"
    write(here, FILES)
    bucket = f"hf://buckets/{bucket_id}"
    assert api.sync_bucket(str(here), bucket, quiet=True).summary()["uploads"] == len(FILES)
    assert tree(api, bucket_id) == sorted(FILES)
    assert api.sync_bucket(str(here), bucket, quiet=True).summary()["uploads"] == 0, "times and sizes came back as they went"
    api.sync_bucket(bucket, str(there), quiet=True)
    assert folder_of(there) == FILES
    (here / "logs/1.log").unlink()
    write(here, {"logs/3.log": b"three\n"})
    plan = api.sync_bucket(str(here), bucket, delete=True, quiet=True).summary()
    assert (plan["uploads"], plan["deletes"]) == (1, 1)
    api.sync_bucket(f"{bucket}/logs", str(there / "logs"), delete=True, quiet=True)
    assert folder_of(there / "logs") == {"3.log": b"three\n", "deep/2.log": b"two\n"}
    api.sync_bucket(str(there / "logs"), f"{bucket}/copy", quiet=True)
    assert tree(api, bucket_id, "copy/") == ["copy/3.log", "copy/deep/2.log"]


@calls("copy_files")
def test_files_are_copied_between_buckets_and_from_repositories(api, api_of, new_bucket, new_repo, tmp_path):
    source = new_bucket({"d/big.bin": BIG, "d/e": b""}, private=True)
    target = new_bucket(private=True)
    api.copy_files(f"hf://buckets/{source}/d/", f"hf://buckets/{target}/got/")
    assert tree(api, target) == ["got/big.bin", "got/e"]
    api.copy_files(f"hf://buckets/{target}/got/big.bin", f"hf://buckets/{target}/again.bin")
    repo = new_repo("dataset", files={"small.csv": b"x\n1\n", "large.bin": BIG[:2_000_000]})
    api.copy_files(f"hf://datasets/{repo}/", f"hf://buckets/{target}/repo/")
    api.download_bucket_files(target, [(path, tmp_path / path) for path in tree(api, target)])
    got = folder_of(tmp_path)
    assert got["again.bin"] == got["got/big.bin"] == BIG
    assert (got["repo/large.bin"], got["repo/small.csv"]) == (BIG[:2_000_000], b"x\n1\n")
    hash_of = next(iter(api.get_bucket_paths_info(source, ["d/big.bin"]))).xet_hash
    stranger = api_of("dave")
    theirs = stranger.create_bucket(f"dave/{target.split('/')[1]}").bucket_id
    with pytest.raises(HfHubHTTPError):
        stranger.batch_bucket_files(theirs, copy=[("bucket", source, hash_of, "stolen")])
    assert tree(stranger, theirs) == []


@pytest.mark.skipif(not NEW, reason="1.28 does not copy by the command")
@calls("hf buckets cp (from a repository)")
def test_a_copy_from_a_repository_sends_nothing(hf, api, api_of, new_bucket, new_repo, unique, proxy, computer, tmp_path):
    repo = new_repo("dataset", files={"big.bin": BIG}, private=True)
    target = new_bucket(private=True)
    line = proxy()
    hf("buckets", "cp", f"hf://datasets/{repo}/big.bin", f"hf://buckets/{target}/copy.bin", **computer("one", line))
    assert (line.requests("/batch"), line.sent("/xet/")) == (1, 0)
    here = api.get_paths_info(repo, ["big.bin"], repo_type="dataset")[0]
    there = next(iter(api.get_bucket_paths_info(target, ["copy.bin"])))
    assert (there.size, there.xet_hash) == (here.size, here.xet_hash)
    hf("buckets", "cp", f"hf://buckets/{target}/copy.bin", str(tmp_path / "got"), **computer("two"))
    assert hashlib.sha256((tmp_path / "got").read_bytes()).hexdigest() == here.lfs.sha256
    stranger = api_of("dave")
    theirs = stranger.create_bucket(f"dave/{unique('bucket')}").bucket_id
    with pytest.raises(HfHubHTTPError):
        stranger.batch_bucket_files(theirs, copy=[("dataset", repo, here.xet_hash, "stolen")])
    assert tree(stranger, theirs) == []


@pytest.fixture
def fs(url, api):
    return HfFileSystem(endpoint=url, token=api.token, skip_instance_cache=True)


@calls("HfFileSystem (buckets)")
def test_a_bucket_is_a_file_system(fs, api, new_bucket, new_repo, tmp_path):
    root = "buckets/" + new_bucket(FILES)
    assert set(fs.ls(root, detail=False)) == {f"{root}/{name}" for name in ("a.txt", "big.bin", "empty", "logs", "logs.json")}
    assert set(fs.ls(f"{root}/logs", detail=False)) == {f"{root}/logs/1.log", f"{root}/logs/deep"}
    assert set(fs.find(root)) == {f"{root}/{path}" for path in FILES}
    assert fs.glob(f"{root}/**/*.log") == [f"{root}/logs/1.log", f"{root}/logs/deep/2.log"]
    assert fs.info(f"{root}/a.txt")["size"] == 6 and fs.isdir(f"{root}/logs") and not fs.exists(f"{root}/nope")
    with pytest.raises(FileNotFoundError):
        fs.ls(f"{root}/nope")
    assert fs.cat_file(f"{root}/big.bin", start=1000, end=5000) == BIG[1000:5000]
    with fs.open(f"{root}/big.bin", "rb") as file:
        file.seek(-10, 2)
        assert file.read() == BIG[-10:]
    with fs.open(f"{root}/new/note.txt", "w") as file:
        file.write("hello")
    assert fs.read_text(f"{root}/new/note.txt") == "hello"
    if NEW:
        fs.cp_file(f"{root}/big.bin", f"{root}/new/big.bin")
        repo = "datasets/" + new_repo("dataset", files={"x.csv": b"x\n1\n"})
        fs.cp_file(f"{repo}/x.csv", f"{root}/new/x.csv")
    fs.put(str(write(tmp_path / "put", {"w.bin": BIG})), f"{root}/new/", recursive=True)
    fs.get(f"{root}/new/", str(tmp_path / "got"), recursive=True)
    assert [content for content in folder_of(tmp_path / "got").values() if content == BIG]
    fs.rm(f"{root}/logs", recursive=True)
    assert not fs.exists(f"{root}/logs") and fs.exists(f"{root}/logs.json")
    with pytest.raises(FileNotFoundError):
        HfFileSystem(endpoint=fs.endpoint, token=False, skip_instance_cache=True).ls("buckets/bob/not-there")


@calls("pandas.read_csv (hf://buckets)", "pandas.to_parquet (hf://buckets)")
def test_pandas_reads_and_writes_buckets(url, api, new_bucket):
    import pandas

    root = "hf://buckets/" + new_bucket({"a.csv": b"x,y\n1,2\n3,4\n"})
    options = {"endpoint": url, "token": api.token}
    frame = pandas.read_csv(f"{root}/a.csv", storage_options=options)
    frame.to_parquet(f"{root}/a.parquet", storage_options=options)
    assert pandas.read_parquet(f"{root}/a.parquet", storage_options=options).equals(frame)


@calls("hf buckets create, list, info, cp, sync, rm, move, delete", "hf sync")
def test_the_command_does_it_all(hf, api, unique, tmp_path):
    name = unique("cli")
    bucket_id, moved = f"bob/{name}", f"bob/{name}-moved"
    hf("buckets", "create", bucket_id, "--private")
    assert name in hf("buckets", "list", "--search", name)
    write(tmp_path / "here", FILES)
    hf("buckets", "sync", str(tmp_path / "here"), f"hf://buckets/{bucket_id}/in")
    hf("sync", f"hf://buckets/{bucket_id}/in", str(tmp_path / "there"))
    assert folder_of(tmp_path / "there") == FILES
    listed = hf("buckets", "list", f"{bucket_id}/in", "-R")
    assert all(path in listed for path in FILES)
    assert "in/logs/1.log" in hf("buckets", "list", f"{bucket_id}/in/logs")
    hf("buckets", "cp", str(tmp_path / "here/a.txt"), f"hf://buckets/{bucket_id}/b.txt")
    hf("buckets", "cp", f"hf://buckets/{bucket_id}/b.txt", str(tmp_path / "b.txt"))
    assert (tmp_path / "b.txt").read_bytes() == FILES["a.txt"]
    hf("buckets", "rm", f"{bucket_id}/b.txt", "--yes")
    hf("buckets", "rm", f"{bucket_id}/in/logs/", "--recursive", "--yes")
    assert tree(api, bucket_id) == ["in/a.txt", "in/big.bin", "in/empty", "in/logs.json"]
    assert str(sum(map(len, FILES.values())) - 8) in hf("buckets", "info", bucket_id)
    hf("buckets", "move", bucket_id, moved)
    hf("buckets", "delete", moved, "--yes")
    hf("buckets", "info", moved, ok=False)


@pytest.mark.skipif(not NEW, reason="1.28 lists anew")
@calls("HfFileSystem (live_follow)")
def test_following_is_off_and_does_no_harm(url, api, new_bucket):
    root = "buckets/" + new_bucket({"a": b"alpha"})
    fs = HfFileSystem(endpoint=url, token=api.token, skip_instance_cache=True, live_follow=True)
    assert fs.ls(root, detail=False) == [f"{root}/a"]


@calls("1001 files in a bucket")
def test_large_listings_are_paged(api, new_bucket, tmp_path):
    names = [f"{number:04}.txt" for number in range(1001)]
    bucket_id = new_bucket()
    api.batch_bucket_files(bucket_id, add=[(b"the same", name) for name in names])
    assert tree(api, bucket_id) == names
    assert tree(api, bucket_id, recursive=False) == names
    assert len(list(api.get_bucket_paths_info(bucket_id, names))) == 1001
    api.batch_bucket_files(bucket_id, delete=names)
    assert api.bucket_info(bucket_id).total_files == 0
