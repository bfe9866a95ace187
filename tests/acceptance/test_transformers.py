"""`transformers` without torch: configurations and tokenizers, which is where it asks for many files."""

import pytest
import real_data

transformers = pytest.importorskip("transformers")
calls = pytest.mark.calls
pytestmark = pytest.mark.client(f"transformers {transformers.__version__}")


@pytest.fixture
def bert(new_repo):
    """MiniLM without its weights."""
    folder = real_data.minilm()
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".safetensors"
    }
    return new_repo(files=files)


@calls("AutoConfig.from_pretrained")
def test_a_configuration_is_loaded(api, bert, tmp_path):
    config = transformers.AutoConfig.from_pretrained(bert, token=api.token, cache_dir=tmp_path)
    assert (config.model_type, config.hidden_size, config.num_hidden_layers) == ("bert", 384, 6)
    again = transformers.AutoConfig.from_pretrained(bert, cache_dir=tmp_path, local_files_only=True)
    assert again.to_dict() == config.to_dict()


@calls("AutoTokenizer.from_pretrained")
def test_a_tokenizer_is_loaded(api, bert, tmp_path):
    tokenizer = transformers.AutoTokenizer.from_pretrained(bert, token=api.token, cache_dir=tmp_path)
    assert tokenizer.tokenize("Hello world") == ["hello", "world"]
    assert tokenizer("Hello world")["input_ids"] == [101, 7592, 2088, 102]
    again = transformers.AutoTokenizer.from_pretrained(bert, cache_dir=tmp_path, local_files_only=True)
    assert again.get_vocab() == tokenizer.get_vocab()


@calls("AutoConfig.push_to_hub", "AutoTokenizer.push_to_hub")
def test_a_configuration_and_a_tokenizer_are_pushed(api, unique, tmp_path):
    repo_id = f"bob/{unique('pushed')}"
    transformers.BertConfig(hidden_size=12, num_attention_heads=2).push_to_hub(repo_id, token=api.token)
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(real_data.minilm()))
    tokenizer.push_to_hub(repo_id, token=api.token)
    config = transformers.AutoConfig.from_pretrained(repo_id, token=api.token, cache_dir=tmp_path)
    assert config.hidden_size == 12
    assert api.model_info(repo_id).library_name == "transformers"


@calls("AutoConfig.from_pretrained")
def test_a_missing_model_is_named(api, unique, tmp_path):
    with pytest.raises(OSError, match="is not a local folder and is not a valid model identifier"):
        transformers.AutoConfig.from_pretrained(f"bob/{unique()}", token=api.token, cache_dir=tmp_path)
