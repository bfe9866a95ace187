"""A real model, all-MiniLM-L6-v2, goes in by `hf upload` and by git-lfs, comes out, and works."""

import shutil
import subprocess

import numpy
import pytest
import real_data
from harness.people import TOKENS

calls = pytest.mark.calls
SENTENCES = ["A man is eating food.", "A man is eating a piece of bread.", "The girl is carrying a baby."]


def check_that_it_works(folder):
    """Computes embeddings from the files in `folder` and compares them with the original's."""
    from minilm_numpy import Encoder

    ours, original = Encoder(folder), Encoder(real_data.minilm())
    vectors = [ours.encode(sentence) for sentence in SENTENCES]
    assert vectors[0].shape == (384,)
    for vector, sentence in zip(vectors, SENTENCES):
        numpy.testing.assert_array_equal(vector, original.encode(sentence))
    # What the model is for: the two sentences about eating are close, the third is not.
    assert vectors[0] @ vectors[1] > 0.7 > 0.3 > vectors[0] @ vectors[2]


@calls("hf upload (folder)", "hf download (repository)", "safetensors.numpy.load_file", "Tokenizer.from_file")
def test_minilm_by_hf_upload_and_hf_download(hf, api, unique, tmp_path):
    repo_id = f"bob/{unique('minilm')}"
    hf("upload", repo_id, str(real_data.minilm()), ".", "--commit-message", "Add MiniLM")
    info = api.model_info(repo_id, files_metadata=True)
    sizes = {file.rfilename: file.size for file in info.siblings}
    assert sizes["model.safetensors"] == 90_868_376
    assert info.safetensors.total == 22_713_728
    assert info.library_name == "sentence-transformers"
    assert info.pipeline_tag == "sentence-similarity"
    assert info.card_data.license == "apache-2.0"
    hf("download", repo_id, "--local-dir", str(tmp_path / "got"))
    check_that_it_works(tmp_path / "got")


@calls("Tokenizer.from_pretrained")
def test_tokenizers_loads_from_the_hub_itself(api, new_repo, home, tmp_path):
    import sys

    path = real_data.minilm() / "tokenizer.json"
    repo_id = new_repo(files={"tokenizer.json": path.read_bytes()})
    code = f"""
from tokenizers import Tokenizer
print(Tokenizer.from_pretrained({repo_id!r}).encode("Hello world").tokens)
"""
    done = subprocess.run([sys.executable, "-c", code], env=home, capture_output=True, text=True)
    assert "'hello', 'world'" in done.stdout, done.stderr


@pytest.mark.client("git with git-lfs 2")
@pytest.mark.any_version
@calls("git push (a real model)", "git clone (a real model)")
def test_minilm_by_git_lfs(git, url, new_repo, api, tmp_path):
    repo_id = new_repo()
    remote = url.replace("://", f"://bob:{TOKENS['bob']}@") + f"/{repo_id}"
    git("clone", remote, "work", cwd=tmp_path)
    shutil.copytree(real_data.minilm(), tmp_path / "work", dirs_exist_ok=True)
    git("add", "-A", cwd=tmp_path / "work")
    git("commit", "-m", "Add MiniLM", cwd=tmp_path / "work")
    git("push", cwd=tmp_path / "work")
    assert api.model_info(repo_id).safetensors.total == 22_713_728
    shutil.rmtree(tmp_path / "work")
    git("clone", f"{url}/{repo_id}", "again", cwd=tmp_path)
    check_that_it_works(tmp_path / "again")
