"""`HfFileSystem`, which pandas and many others stand on."""

import pytest
from huggingface_hub import HfFileSystem

calls = pytest.mark.calls
FILES = {"a.csv": b"x,y\n1,2\n3,4\n", "d/b.csv": b"x,y\n5,6\n", "d/e/c.bin": bytes(range(256)) * 64}


@pytest.fixture
def fs(url, api):
    return HfFileSystem(endpoint=url, token=api.token, skip_instance_cache=True)


@pytest.fixture
def root(new_repo):
    return "datasets/" + new_repo("dataset", files=FILES)


@calls("HfFileSystem.ls", "HfFileSystem.info", "HfFileSystem.exists")
def test_folders_are_listed(fs, root):
    assert set(fs.ls(root, detail=False)) == {f"{root}/.gitattributes", f"{root}/a.csv", f"{root}/d"}
    entry = fs.info(f"{root}/d/e/c.bin")
    assert (entry["type"], entry["size"]) == ("file", 16_384)
    assert len(entry["lfs"].sha256 if hasattr(entry["lfs"], "sha256") else entry["lfs"]["sha256"]) == 64
    assert fs.info(f"{root}/d")["type"] == "directory"
    assert fs.info(root)["type"] == "directory"
    assert fs.exists(f"{root}/a.csv") and not fs.exists(f"{root}/nope")
    assert fs.isdir(f"{root}/d") and fs.isfile(f"{root}/a.csv")
    with pytest.raises(FileNotFoundError):
        fs.ls(f"{root}/nope")


@calls("HfFileSystem.info (expand_info)")
def test_info_tells_the_last_commit(fs, root):
    entry = fs.info(f"{root}/a.csv", expand_info=True)
    assert entry["last_commit"].title == "Add files"
    assert fs.modified(f"{root}/a.csv").year >= 2020


@calls("HfFileSystem.glob", "HfFileSystem.find", "HfFileSystem.walk")
def test_files_are_found(fs, root):
    assert fs.glob(f"{root}/*.csv") == [f"{root}/a.csv"]
    assert set(fs.glob(f"{root}/**/*.csv")) == {f"{root}/a.csv", f"{root}/d/b.csv"}
    assert set(fs.find(f"{root}/d")) == {f"{root}/d/b.csv", f"{root}/d/e/c.bin"}
    assert [files for _, _, files in fs.walk(f"{root}/d")] == [["b.csv"], ["c.bin"]]


@calls("HfFileSystem.open (read)", "HfFileSystem.cat_file")
def test_ranges_are_read(fs, root):
    content = FILES["d/e/c.bin"]
    with fs.open(f"{root}/d/e/c.bin", "rb", block_size=1000) as file:
        assert file.read(10) == content[:10]
        file.seek(-100, 2)
        assert file.read() == content[-100:]
        file.seek(5000)
        assert file.read(2500) == content[5000:7500]
    assert fs.cat_file(f"{root}/d/e/c.bin", start=255, end=257) == content[255:257]
    assert fs.read_text(f"{root}/a.csv") == FILES["a.csv"].decode()


@calls("HfFileSystem.open (stream)")
def test_a_file_is_streamed(fs, root):
    with fs.open(f"{root}/d/e/c.bin", "rb", block_size=0) as file:
        assert file.read() == FILES["d/e/c.bin"]


@calls("HfFileSystem.open (write)")
def test_files_are_written(fs, root):
    with fs.open(f"{root}/new/n.txt", "w") as file:
        file.write("written\n")
    assert fs.read_text(f"{root}/new/n.txt") == "written\n"
    with fs.open(f"{root}/new/w.bin", "wb") as file:
        file.write(b"\0" * 10_000)
    assert fs.info(f"{root}/new/w.bin")["size"] == 10_000


@calls("HfFileSystem.cp_file", "HfFileSystem.rm", "HfFileSystem.put", "HfFileSystem.get")
def test_files_are_copied_and_removed(fs, root, tmp_path):
    fs.cp_file(f"{root}/d/e/c.bin", f"{root}/copy.bin")
    assert fs.cat_file(f"{root}/copy.bin") == FILES["d/e/c.bin"]
    fs.cp_file(f"{root}/a.csv", f"{root}/copy.csv")
    assert fs.cat_file(f"{root}/copy.csv") == FILES["a.csv"]
    fs.rm(f"{root}/copy.csv")
    assert not fs.exists(f"{root}/copy.csv")
    fs.rm(f"{root}/d", recursive=True)
    assert not fs.exists(f"{root}/d/b.csv")
    fs.get(f"{root}/copy.bin", str(tmp_path / "got.bin"))
    assert (tmp_path / "got.bin").read_bytes() == FILES["d/e/c.bin"]
    fs.put(str(tmp_path / "got.bin"), f"{root}/put.bin")
    assert fs.exists(f"{root}/put.bin")


@calls("HfFileSystem (revision)")
def test_a_revision_is_part_of_the_path(fs, api, root):
    repo_id = root.removeprefix("datasets/")
    api.create_branch(repo_id, branch="feat/x", repo_type="dataset")
    api.upload_file(
        path_or_fileobj=b"side", path_in_repo="s.txt", repo_id=repo_id, repo_type="dataset", revision="feat/x"
    )
    assert fs.read_text(f"{root}@feat%2Fx/s.txt") == "side"
    assert not fs.exists(f"{root}/s.txt")


@calls("pandas.read_csv (hf://)", "pandas.to_parquet (hf://)")
def test_pandas_reads_and_writes_by_hf_paths(url, api, root):
    import pandas

    options = {"endpoint": url, "token": api.token}
    frame = pandas.read_csv(f"hf://{root}/a.csv", storage_options=options)
    assert frame["y"].tolist() == [2, 4]
    frame.to_parquet(f"hf://{root}/frame.parquet", storage_options=options)
    assert pandas.read_parquet(f"hf://{root}/frame.parquet", storage_options=options).equals(frame)
