"""`datasets` loads and pushes real tables, streaming and not."""

from importlib.metadata import version

import pytest
import real_data

datasets = pytest.importorskip("datasets")
calls = pytest.mark.calls
pytestmark = pytest.mark.client(f"datasets {version('datasets')}")


@pytest.fixture
def load(api, tmp_path):
    def load(repo_id, *arguments, **options):
        options.setdefault("token", api.token)
        return datasets.load_dataset(repo_id, *arguments, cache_dir=str(tmp_path / "cache"), **options)

    return load


@pytest.fixture(scope="module")
def penguins(api_of):
    """The penguins as CSV, as most people have them: no card, one file."""
    api = api_of("bob")
    import uuid

    repo_id = f"bob/penguins-{uuid.uuid4().hex[:8]}"
    api.create_repo(repo_id, repo_type="dataset")
    api.upload_file(
        path_or_fileobj=real_data.penguins(), path_in_repo="penguins.csv", repo_id=repo_id, repo_type="dataset"
    )
    return repo_id


@calls("load_dataset (csv)")
def test_csv_is_loaded(load, penguins):
    table = load(penguins, split="train")
    expected = real_data.rows_of(real_data.penguins())
    assert table.num_rows == len(expected) == 344
    assert table.column_names == list(expected[0])
    assert table["species"] == [row["species"] for row in expected]


@calls("load_dataset (csv, streaming)")
def test_csv_is_streamed(load, penguins):
    rows = list(load(penguins, split="train", streaming=True))
    assert len(rows) == 344
    assert rows[0]["island"] == "Torgersen"


@calls("load_dataset (jsonl)", "load_dataset (jsonl, streaming)")
def test_jsonl_is_loaded_and_streamed(api, load, new_repo, tmp_path):
    repo_id = new_repo("dataset")
    path = real_data.cars_as_jsonl(tmp_path / "cars.jsonl")
    api.upload_file(path_or_fileobj=path, path_in_repo="data/cars.jsonl", repo_id=repo_id, repo_type="dataset")
    table = load(repo_id, split="train")
    assert table.num_rows == 406
    assert table[0]["Name"] == "chevrolet chevelle malibu"
    assert sum(1 for _ in load(repo_id, split="train", streaming=True)) == 406


@calls("load_dataset (parquet)", "load_dataset (parquet, streaming)")
def test_parquet_splits_are_loaded_and_streamed(api, load, new_repo, tmp_path):
    import pandas

    frame = pandas.read_csv(real_data.penguins())
    frame[:300].to_parquet(tmp_path / "train.parquet")
    frame[300:].to_parquet(tmp_path / "test.parquet")
    repo_id = new_repo("dataset")
    for split in ("train", "test"):
        api.upload_file(
            path_or_fileobj=tmp_path / f"{split}.parquet",
            path_in_repo=f"data/{split}-00000-of-00001.parquet",
            repo_id=repo_id,
            repo_type="dataset",
        )
    loaded = load(repo_id)
    assert {name: split.num_rows for name, split in loaded.items()} == {"train": 300, "test": 44}
    assert loaded["test"].to_pandas()["island"].tolist() == frame[300:]["island"].tolist()
    streamed = load(repo_id, split="test", streaming=True)
    assert [row["species"] for row in streamed] == frame[300:]["species"].tolist()


@calls("load_dataset (card with configs)", "get_dataset_config_names", "get_dataset_split_names")
def test_a_cards_configurations_are_respected(load, api, new_repo):
    card = b"""---
configs:
- config_name: small
  data_files: [{split: train, path: small.csv}]
- config_name: both
  default: true
  data_files: [{split: train, path: small.csv}, {split: test, path: other.csv}]
---
"""
    repo_id = new_repo(
        "dataset", files={"README.md": card, "small.csv": b"n\n1\n2\n", "other.csv": b"n\n3\n"}
    )
    assert set(datasets.get_dataset_config_names(repo_id, token=api.token)) == {"small", "both"}
    assert datasets.get_dataset_split_names(repo_id, "both", token=api.token) == ["train", "test"]
    assert load(repo_id, "small")["train"]["n"] == [1, 2]
    assert load(repo_id)["test"]["n"] == [3]


@calls("load_dataset (revision)")
def test_a_revision_is_loaded(load, api, new_repo):
    repo_id = new_repo("dataset", files={"n.csv": b"n\n1\n"})
    first = api.dataset_info(repo_id).sha
    api.upload_file(path_or_fileobj=b"n\n1\n2\n", path_in_repo="n.csv", repo_id=repo_id, repo_type="dataset")
    assert load(repo_id, split="train", revision=first).num_rows == 1
    assert load(repo_id, split="train").num_rows == 2


@calls("load_dataset (private)")
def test_a_private_dataset_is_loaded_by_its_readers(load, new_repo, tmp_path):
    from harness.people import TOKENS

    repo_id = new_repo("dataset", files={"n.csv": b"n\n1\n"}, private=True, namespace="acme")
    assert load(repo_id, split="train", token=TOKENS["carol"]).num_rows == 1
    with pytest.raises(datasets.exceptions.DatasetNotFoundError):
        # On a computer of his own: carol's has the dataset in its cache.
        datasets.load_dataset(repo_id, split="train", token=TOKENS["dave"], cache_dir=str(tmp_path / "dave"))


@calls("Dataset.push_to_hub")
def test_a_table_is_pushed_and_loaded_again(load, api, unique, tmp_path):
    repo_id = f"bob/{unique('pushed')}"
    table = datasets.load_dataset("csv", data_files=str(real_data.penguins()), split="train", cache_dir=str(tmp_path))
    table.push_to_hub(repo_id, token=api.token)
    again = load(repo_id, split="train")
    assert again.to_dict() == table.to_dict()
    info = api.dataset_info(repo_id)
    assert info.card_data["dataset_info"]["splits"][0]["num_examples"] == 344
    table.select(range(10)).push_to_hub(repo_id, token=api.token)
    assert load(repo_id, split="train", download_mode="force_redownload").num_rows == 10


@calls("DatasetDict.push_to_hub", "Dataset.push_to_hub (config)", "Dataset.push_to_hub (shards)")
def test_splits_configurations_and_shards_are_pushed(load, api, unique):
    repo_id = f"bob/{unique('pushed')}"
    table = datasets.Dataset.from_dict({"n": list(range(1_000)), "text": [f"row {n}" for n in range(1_000)]})
    datasets.DatasetDict({"train": table, "test": table.select(range(5))}).push_to_hub(repo_id, token=api.token)
    table.push_to_hub(repo_id, "sharded", num_shards=4, token=api.token)
    assert load(repo_id)["test"].num_rows == 5
    assert load(repo_id, "sharded", split="train")["n"] == list(range(1_000))
    files = api.list_repo_files(repo_id, repo_type="dataset")
    assert sum(name.startswith("sharded/") for name in files) == 4


@calls("Dataset.push_to_hub (private)")
def test_a_table_is_pushed_to_a_private_repository(api, api_of, unique):
    repo_id = f"acme/{unique('pushed')}"
    datasets.Dataset.from_dict({"n": [1]}).push_to_hub(repo_id, token=api.token, private=True)
    assert api.dataset_info(repo_id).private
    assert not api_of("dave").repo_exists(repo_id, repo_type="dataset")


def test_first_rows_of_pyarrow_are_shown(api, new_repo, tmp_path):
    """The page of a Parquet file shows what pyarrow wrote, packed in each way."""
    import urllib.request

    import pyarrow as pa
    import pyarrow.parquet as pq

    repo_id = new_repo("dataset")
    words = [f"row {number} says Zürich" if number % 3 else None for number in range(5_000)]
    table = pa.table({"number": range(5_000), "word": words, "list": [[number, None] for number in range(5_000)]})
    for codec in ("snappy", "zstd", "gzip", "lz4", "none"):
        path = tmp_path / f"{codec}.parquet"
        pq.write_table(table, path, compression=codec)
        api.upload_file(path_or_fileobj=path, path_in_repo=f"data/{codec}.parquet", repo_id=repo_id, repo_type="dataset")
        headers = {"Authorization": f"Bearer {api.token}"}
        address = f"{api.endpoint}/datasets/{repo_id}/blob/main/data/{codec}.parquet"
        page = urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=30).read().decode()
        for cell in ("5,000", "row 49 says Zürich", "[49, null]"):
            assert cell in page, (codec, cell)
        assert "row 50 says" not in page
        assert "not among the rows" not in page
