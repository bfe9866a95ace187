"""Lists and infos of models, datasets and Spaces, with the metadata that commits bring."""

import json
import struct
import time
from importlib.metadata import version

import pytest
from huggingface_hub import CommitOperationAdd

calls = pytest.mark.calls


def safetensors(**shapes) -> bytes:
    """Returns a valid safetensors file of zeros."""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, (dtype, shape) in shapes.items():
        size = {"F32": 4, "F16": 2, "I64": 8}[dtype]
        for extent in shape:
            size *= extent
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"\0" * offset


CARD = b"""---
license: mit
language: [en, de]
library_name: transformers
pipeline_tag: text-classification
base_model: ada/parent
datasets: [ada/corpus]
tags: [acceptance]
---
# Card
"""
MODEL = {
    "README.md": CARD,
    "config.json": b'{"model_type": "bert", "architectures": ["BertForSequenceClassification"]}',
    "model.safetensors": safetensors(w=("F32", [3, 4]), b=("F16", [5])),
}


def ids(found):
    return {info.id for info in found}


@calls("HfApi.model_info")
def test_a_models_info_has_all_that_its_files_tell(api, new_repo):
    repo_id = new_repo(files=MODEL)
    info = api.model_info(repo_id)
    assert (info.id, info.author, info.private, info.disabled, info.gated) == (repo_id, "bob", False, False, False)
    assert len(info.sha) == 40
    assert (info.pipeline_tag, info.library_name) == ("text-classification", "transformers")
    assert {"license:mit", "en", "de", "transformers", "safetensors", "bert", "acceptance"} <= set(info.tags)
    assert {"base_model:ada/parent", "dataset:ada/corpus"} <= set(info.tags)
    assert info.card_data.license == "mit" and info.card_data.language == ["en", "de"]
    assert info.config["architectures"] == ["BertForSequenceClassification"]
    assert info.safetensors.total == 17
    assert info.safetensors.parameters == {"F32": 12, "F16": 5}
    assert {file.rfilename for file in info.siblings} == {".gitattributes", *MODEL}
    assert info.created_at <= info.last_modified
    assert info.downloads == 0 and info.likes == 0


@calls("HfApi.model_info (files_metadata)")
def test_files_metadata_has_sizes_and_hashes(api, new_repo):
    repo_id = new_repo(files=MODEL)
    files = {file.rfilename: file for file in api.model_info(repo_id, files_metadata=True).siblings}
    weights = files["model.safetensors"]
    assert weights.size == len(MODEL["model.safetensors"]) == weights.lfs.size
    assert len(weights.lfs.sha256) == 64 and len(weights.blob_id) == 40
    assert files["README.md"].size == len(CARD) and files["README.md"].lfs is None


@calls("HfApi.model_info (expand)")
def test_expand_gives_what_is_asked_and_no_more(api, new_repo):
    repo_id = new_repo(files=MODEL)
    info = api.model_info(repo_id, expand=["downloads", "safetensors", "sha", "usedStorage"])
    assert info.downloads == 0 and info.safetensors.total == 17 and len(info.sha) == 40
    assert info.used_storage >= len(MODEL["model.safetensors"])
    assert info.siblings is None and info.tags is None


@calls("HfApi.dataset_info", "HfApi.dataset_info (expand)")
def test_a_datasets_info(api, new_repo):
    card = b"---\nlicense: cc0-1.0\ntask_categories: [text-classification]\nsize_categories: [n<1K]\n---\n# Data\n"
    repo_id = new_repo("dataset", files={"README.md": card, "data.csv": b"a,b\n1,2\n"})
    info = api.dataset_info(repo_id, files_metadata=True)
    assert info.card_data.license == "cc0-1.0"
    assert {"license:cc0-1.0", "task_categories:text-classification", "size_categories:n<1K"} <= set(info.tags)
    assert next(file for file in info.siblings if file.rfilename == "data.csv").size == 8
    assert api.dataset_info(repo_id, expand=["cardData", "likes"]).likes == 0


@calls("HfApi.space_info")
def test_a_spaces_info(api, new_repo):
    card = b"---\ntitle: Demo\nsdk: gradio\nemoji: \xf0\x9f\x9a\x80\nmodels: [ada/parent]\n---\n"
    repo_id = new_repo("space", space_sdk="gradio", files={"README.md": card, "app.py": b"print()"})
    info = api.space_info(repo_id)
    assert (info.id, info.sdk, info.card_data.title) == (repo_id, "gradio", "Demo")


@calls("HfApi.repo_info", "HfApi.model_info (revision)")
def test_the_info_of_a_revision(api, new_repo):
    repo_id = new_repo(files={"a.txt": b"a"})
    first = api.model_info(repo_id).sha
    api.create_branch(repo_id, branch="side")
    api.upload_file(path_or_fileobj=b"b", path_in_repo="b.txt", repo_id=repo_id)
    for revision in ("side", first, first[:8]):
        info = api.repo_info(repo_id, revision=revision)
        assert info.sha == first
        assert {file.rfilename for file in info.siblings} == {".gitattributes", "a.txt"}


@calls("HfApi.list_models")
def test_models_are_found_by_their_metadata(api, new_repo, unique):
    tag = unique("tag")
    repo_id = new_repo(files={**MODEL, "README.md": CARD.replace(b"acceptance", tag.encode())})
    other = new_repo(files={"README.md": f"---\ntags: [{tag}]\nlicense: apache-2.0\n---\n".encode()})
    assert ids(api.list_models(filter=tag)) == {repo_id, other}
    for narrower in (
        {"filter": [tag, "license:mit"]},
        {"filter": [tag, "transformers"]},
        {"filter": [tag, "text-classification"]},
        {"filter": tag, "pipeline_tag": "text-classification"},
        {"filter": tag, "author": "bob", "search": repo_id.split("/")[1].upper()},
        {"filter": [tag, "dataset:ada/corpus"]},
        {"filter": [tag, "base_model:ada/parent"]},
        {"filter": [tag, "en"]},
    ):
        assert ids(api.list_models(**narrower)) == {repo_id}, narrower
    assert ids(api.list_models(filter=tag, author="ada")) == set()


@calls("HfApi.list_models (full, cardData, expand)")
def test_lists_can_be_wide(api, new_repo, unique):
    tag = unique("tag")
    repo_id = new_repo(files={**MODEL, "README.md": CARD.replace(b"acceptance", tag.encode())})
    info = next(iter(api.list_models(filter=tag, full=True, cardData=True, fetch_config=True)))
    assert info.id == repo_id and len(info.sha) == 40
    assert info.card_data.license == "mit" and info.config["model_type"] == "bert"
    assert "model.safetensors" in {file.rfilename for file in info.siblings}
    # Lists know what weight files say once a job has read them, or somebody asked for the one.
    assert api.model_info(repo_id).safetensors.total == 17
    info = next(iter(api.list_models(filter=tag, expand=["safetensors", "author"])))
    assert info.safetensors.total == 17 and info.author == "bob"
    fields = ["spaces", "usedStorage", "childrenModelCount", "resourceGroup"]
    listed, alone = next(iter(api.list_models(filter=tag, expand=fields))), api.model_info(repo_id, expand=fields)
    assert listed.used_storage == alone.used_storage > 0 and listed.spaces == alone.spaces == []


@calls("HfApi.list_models (paged)", "HfApi.list_models (sort)")
def test_lists_are_paged_and_sorted(api, unique):
    tag = unique("page")
    made = []
    for number in range(7):
        made.append(api.create_repo(f"bob/{tag}-{number}").repo_id)
    from huggingface_hub.utils import paginate

    pages = paginate(f"{api.endpoint}/api/models", {"search": tag, "limit": 3}, {})
    assert {item["id"] for item in pages} == set(made)
    listed = [info.id for info in api.list_models(search=tag, sort="created_at")]
    assert listed == made[::-1]
    assert len(list(api.list_models(search=tag, limit=4))) == 4


@calls("HfApi.list_datasets")
def test_datasets_are_found_by_their_metadata(api, new_repo, unique):
    tag = unique("tag")
    card = f"---\nlanguage: en\ntask_categories: [translation]\nsize_categories: [n<1K]\ntags: [{tag}]\n---\n"
    repo_id = new_repo("dataset", files={"README.md": card.encode()})
    for narrower in (
        {"filter": tag},
        {"filter": tag, "language": "en"},
        {"filter": tag, "task_categories": "translation"},
        {"filter": tag, "size_categories": "n<1K"},
        {"dataset_name": repo_id.split("/")[1], "author": "bob"},
        {"search": repo_id.split("/")[1], "full": True},
    ):
        assert ids(api.list_datasets(**narrower)) == {repo_id}, narrower
    assert ids(api.list_datasets(filter=tag, language="fr")) == set()


@calls("HfApi.list_spaces")
def test_spaces_are_listed(api, new_repo):
    repo_id = new_repo("space")
    assert ids(api.list_spaces(search=repo_id.split("/")[1], full=True)) == {repo_id}
    assert repo_id in ids(api.list_spaces(author="bob"))


def letters(text: str) -> str:
    """Returns a word of letters only: where they change to digits, the search cuts."""
    return "".join(c if c.isalpha() else "ghijklmnop"[int(c)] for c in text if c.isalnum())


@calls("HfApi.search_spaces")
def test_spaces_are_found_by_words(api, api_of, new_repo, unique):
    word = letters(unique("word"))
    head = f"title: The {word}\nemoji: 🚀\nsdk: static\nshort_description: In a sentence\ntags: [found]"
    card = f"---\n{head}\n---\nAbout {word}.\n".encode()
    runs = new_repo("space", files={"README.md": card, "index.html": b"<p>x</p>"})
    broken = new_repo("space", files={"README.md": card.replace(b"static", b"docker")})
    hidden = new_repo("space", private=True, files={"README.md": card, "index.html": b"<p>x</p>"})
    # The index is a moment behind.
    deadline = time.monotonic() + 120
    while ids(api.search_spaces(word, include_non_running=True)) != {runs, broken, hidden}:
        assert time.monotonic() < deadline, "the index does not know them all"
        time.sleep(0.2)
    assert ids(api_of(None).search_spaces(word)) == {runs}
    assert ids(api.search_spaces(word, filter=["found"], sdk="docker", include_non_running=True)) == {broken}
    assert ids(api.search_spaces(word, sdk=["gradio"])) == set()
    (space,) = api_of(None).search_spaces(word, sdk=["static", "docker"], filter="found")
    assert (space.id, space.author, space.title, space.emoji, space.sdk) == (runs, "bob", f"The {word}", "🚀", "static")
    assert (space.private, space.likes, space.ai_short_description) == (False, 0, "In a sentence")
    assert 0 < space.semantic_relevancy_score <= 1 and "found" in space.tags and space.runtime.stage


@calls("hf spaces search")
def test_spaces_are_found_by_command(hf, new_repo, unique):
    if version("huggingface_hub") < "2":
        pytest.skip("new in a later version")
    word = letters(unique("word"))
    repo_id = new_repo("space", files={"README.md": f"---\nsdk: static\n---\nAbout {word}.\n".encode(), "index.html": b"<p>x</p>"})
    deadline = time.monotonic() + 120
    while repo_id not in hf("spaces", "search", word, "--format", "json"):
        assert time.monotonic() < deadline, "the index does not know it"
        time.sleep(0.2)


@calls("HfApi.list_models (apps, gated, inference, num_parameters, trained_dataset)")
def test_models_are_filtered_by_everything_that_the_client_offers(api, new_repo, unique):
    tag = unique("tag")
    card = lambda *lines: "\n".join(["---", f"tags: [{tag}]", *lines, "---", ""]).encode()  # noqa: E731 - a name for one expression
    weights = lambda *shape: safetensors(w=("F16", list(shape)))  # noqa: E731 - a name for one expression
    small = new_repo(files={"README.md": card("library_name: transformers", "datasets: [ada/corpus]"), "model.safetensors": weights(10)})
    large = new_repo(files={"README.md": card("datasets: [ada/corpus, ada/other]"), "model.safetensors": weights(50, 40)})
    quantized = new_repo(files={"README.md": card("base_model: ada/parent"), "model-q4.gguf": b"GGUF"})
    for repo_id in (small, large):
        assert api.model_info(repo_id).safetensors.total in (10, 2_000), "the headers are read"
    api.update_repo_settings(large, gated="manual")
    found = lambda **narrower: ids(api.list_models(filter=tag, **narrower))  # noqa: E731 - a name for one expression
    assert found() == {small, large, quantized}
    for narrower, expected in [
        ({"apps": "vllm"}, {small}),
        ({"apps": "llama.cpp"}, {quantized}),
        ({"apps": ["vllm", "ollama"]}, {small, quantized}),
        ({"apps": "no-such-app"}, set()),
        ({"gated": True}, {large}),
        ({"gated": False}, {small, quantized}),
        ({"num_parameters": "min:1K"}, {large}),
        ({"num_parameters": "max:1K"}, {small}),
        ({"num_parameters": "min:10,max:2000"}, {small, large}),
        ({"num_parameters": "min:3K,max:1K"}, set()),
        ({"trained_dataset": "ada/corpus"}, {small, large}),
        ({"trained_dataset": ["ada/corpus", "dataset:ada/other"]}, {large}),
        ({"gated": False, "trained_dataset": "ada/corpus", "num_parameters": "max:1M"}, {small}),
        # Nothing here is served by anybody.
        ({"inference": "warm"}, set()),
        ({"inference_provider": "all"}, set()),
    ]:
        assert found(**narrower) == expected, narrower
    assert [info.id for info in api.list_models(filter=tag, sort="num_parameters")] == [large, small]


@calls("HfApi.list_spaces (models, datasets, linked)")
def test_spaces_are_found_by_what_they_use(api, new_repo, unique):
    word = unique("uses")
    card = lambda *lines: "\n".join(["---", "sdk: static", f"tags: [{word}]", *lines, "---", ""]).encode()  # noqa: E731 - a name for one expression
    both = new_repo("space", files={"README.md": card("models: [ada/parent, ada/child]", "datasets: [ada/corpus]")})
    one = new_repo("space", files={"README.md": card("models: [ada/parent]")})
    none = new_repo("space", files={"README.md": card()})
    found = lambda **narrower: ids(api.list_spaces(filter=word, **narrower))  # noqa: E731 - a name for one expression
    assert found() == {both, one, none}
    assert found(linked=True) == {both, one}
    assert found(models="ada/parent") == {both, one}
    assert found(models=["ada/parent", "ada/child"]) == {both}
    assert found(datasets="ada/corpus") == {both}
    assert found(models="ada/parent", datasets="ada/none") == set()


@calls("HfApi.list_models")
def test_private_repositories_are_listed_for_their_readers_only(api_of, new_repo):
    repo_id = new_repo(private=True, namespace="acme")
    name = repo_id.split("/")[1]
    assert ids(api_of("carol").list_models(search=name)) == {repo_id}
    for person in ("dave", None):
        assert ids(api_of(person).list_models(search=name)) == set()


@calls("HfApi.get_safetensors_metadata", "HfApi.parse_safetensors_file_metadata")
def test_safetensors_headers_are_read_by_range(api, new_repo):
    single = new_repo(files=MODEL)
    metadata = api.get_safetensors_metadata(single)
    assert not metadata.sharded
    assert metadata.parameter_count == {"F32": 12, "F16": 5}
    index = {"metadata": {"total_size": 64}, "weight_map": {"w": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    sharded = new_repo()
    api.create_commit(
        sharded,
        [
            CommitOperationAdd("model.safetensors.index.json", json.dumps(index).encode()),
            CommitOperationAdd("model-00001-of-00002.safetensors", safetensors(w=("F32", [4, 4]))),
            CommitOperationAdd("model-00002-of-00002.safetensors", safetensors(b=("I64", [2]))),
        ],
        commit_message="Add shards",
    )
    metadata = api.get_safetensors_metadata(sharded)
    assert metadata.sharded and metadata.parameter_count == {"F32": 16, "I64": 2}
    assert api.model_info(sharded).safetensors.total == 18


@calls("HfApi.get_sharded_safetensors_metadata")
def test_the_headers_of_all_shards_come_at_once(api, api_of, new_repo):
    if not hasattr(api, "get_sharded_safetensors_metadata"):
        pytest.skip("new in a later version")
    names = [f"model-0000{number}-of-00003.safetensors" for number in (1, 2, 3)]
    index = {"metadata": {"total_size": 80}, "weight_map": dict(zip("abc", names, strict=True))}
    repo_id = new_repo(
        private=True,
        files={
            "model.safetensors.index.json": json.dumps(index).encode(),
            **{name: safetensors(**{key: ("F32", [4, number + 1])}) for number, (key, name) in enumerate(zip("abc", names, strict=True))},
        },
    )
    metadata = api.get_sharded_safetensors_metadata(repo_id)
    one_by_one = api.get_safetensors_metadata(repo_id)
    assert metadata.sharded and metadata.metadata == {"total_size": 80} and metadata.weight_map == index["weight_map"]
    assert metadata.files_metadata == one_by_one.files_metadata and metadata.parameter_count == {"F32": 24}
    for person, filename in [("dave", "model.safetensors.index.json"), ("bob", "none.index.json")]:
        with pytest.raises(Exception, match="404"):
            api_of(person).get_sharded_safetensors_metadata(repo_id, filename=filename)


@calls("HfApi.get_model_tags", "HfApi.get_dataset_tags")
def test_tags_by_type(api):
    assert "pipeline_tag" in api.get_model_tags()
    assert isinstance(api.get_dataset_tags(), dict)
