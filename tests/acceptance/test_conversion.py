"""A checkpoint of a real model in a pickle becomes safetensors, by the hub, and every number is what it was."""

import time

import numpy
import pytest
import real_data
from harness.people import TOKENS
from harness.torch_checkpoint import Tensor, of_safetensors, save
from huggingface_hub.utils import get_session as api_session
from safetensors import safe_open
from safetensors.numpy import load_file

calls = pytest.mark.calls


def convert(url, repo_id, path):
    """Asks the hub for the conversion, and waits for the pull request."""
    where = f"{url}/api/models/{repo_id}/convert-weights"
    headers = {"Authorization": f"Bearer {TOKENS['bob']}"}
    asked = api_session().post(where, headers=headers, json={"path": path})
    assert asked.status_code == 200, asked.text
    for _ in range(600):
        found = api_session().get(where, headers=headers, params={"path": path}).json()
        if found["state"] != "waiting":
            return found
        time.sleep(0.1)
    raise AssertionError(f"not converted: {found}")


@calls("HfApi.upload_file", "HfApi.merge_pull_request", "HfApi.get_safetensors_metadata", "HfApi.hf_hub_download")
def test_minilm_in_a_pickle_becomes_safetensors(api, url, new_repo, tmp_path):
    original = real_data.minilm() / "model.safetensors"
    state = of_safetensors(original)
    # As models tie their heads; and one that does not lie in order.
    words = state["embeddings.word_embeddings.weight"]
    state["cls.predictions.decoder.weight"] = Tensor(words.storage, words.shape)
    place = state["embeddings.position_embeddings.weight"]
    state["turned"] = Tensor(place.storage, place.shape[::-1], place.stride[::-1])
    save(tmp_path / "pytorch_model.bin", state)
    repo_id = new_repo()
    api.upload_file(path_or_fileobj=tmp_path / "pytorch_model.bin", path_in_repo="pytorch_model.bin", repo_id=repo_id)
    done = convert(url, repo_id, "pytorch_model.bin")
    assert done["state"] == "done", done
    num = done["pullRequest"]["num"]
    pull = api.get_discussion_details(repo_id, num)
    assert (pull.title, pull.is_pull_request, pull.status) == ("Adding `safetensors` variant of this model", True, "open")
    api.merge_pull_request(repo_id, num)
    meta = api.get_safetensors_metadata(repo_id)
    assert meta.parameter_count == {"F32": 22_713_216 + place.shape[0] * place.shape[1], "I64": 512}
    path = api.hf_hub_download(repo_id, "model.safetensors", cache_dir=tmp_path / "cache")
    got, expected = load_file(path), load_file(original)
    assert set(got) == {*expected, "turned"}
    for name, numbers in expected.items():
        assert got[name].dtype == numbers.dtype
        numpy.testing.assert_array_equal(got[name], numbers, err_msg=name)
    numpy.testing.assert_array_equal(got["turned"], expected["embeddings.position_embeddings.weight"].T)
    with safe_open(path, "numpy") as file:
        words = "embeddings.word_embeddings.weight"
        assert file.metadata() == {"format": "pt", "cls.predictions.decoder.weight": words}
