"""The code that "Use this model" shows is copied from the page and run as it is, by somebody who has only just come."""

import os
import re
import subprocess
import sys
import urllib.request
from html import unescape

import pytest
import real_data
from harness.people import TOKENS

calls = pytest.mark.calls


@pytest.fixture
def run_copied(url, tmp_path):
    """Copies a snippet from the page of a library and runs it; returns what it printed."""

    def run(page, library, title):
        request = urllib.request.Request(
            f"{url}{page}/use?with={library}", headers={"Authorization": f"Bearer {TOKENS['bob']}"}
        )
        html = urllib.request.urlopen(request).read().decode()
        sections = re.findall(r"<h2>(.*?)</h2>.*?<pre[^>]*><code>(.*?)</code></pre>", html, re.S)
        codes = {re.sub(r"<.*", "", heading).strip(): unescape(code) for heading, code in sections}
        assert url in codes[title], "the code names this hub"
        # Nothing of the suite's environment tells the client where the hub is: the code does.
        env = {name: value for name, value in os.environ.items() if name not in ("HF_ENDPOINT", "HF_TOKEN")}
        env |= {"HF_HOME": str(tmp_path / "home"), "HOME": str(tmp_path / "home")}
        done = subprocess.run(
            [sys.executable, "-c", codes[title]], env=env, capture_output=True, text=True, timeout=300, cwd=tmp_path
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def minilm(api_of):
    import uuid

    repo_id = f"bob/minilm-{uuid.uuid4().hex[:8]}"
    api_of("bob").create_repo(repo_id)
    api_of("bob").upload_folder(repo_id=repo_id, folder_path=real_data.minilm())
    return f"/{repo_id}"


@pytest.fixture(scope="module")
def penguins(api_of):
    import uuid

    repo_id = f"bob/penguins-{uuid.uuid4().hex[:8]}"
    api = api_of("bob")
    api.create_repo(repo_id, repo_type="dataset")
    api.upload_file(
        path_or_fileobj=real_data.penguins(), path_in_repo="penguins.csv", repo_id=repo_id, repo_type="dataset"
    )
    return f"/datasets/{repo_id}"


def test_transformers_loads_minilms_tokenizer(run_copied, minilm):
    pytest.importorskip("transformers")
    assert run_copied(minilm, "transformers", "The tokenizer alone").strip() == "[101, 7592, 2045, 102]"


def test_safetensors_reads_minilms_weights(run_copied, minilm):
    assert "embeddings.position_embeddings.weight [512, 384]" in run_copied(minilm, "safetensors", "Run")


def test_huggingface_hub_downloads_minilm(run_copied, minilm):
    folder = run_copied(minilm, "huggingface_hub", "Run").strip().splitlines()[-1]
    assert os.path.getsize(f"{folder}/model.safetensors") == os.path.getsize(real_data.minilm() / "model.safetensors")


def test_datasets_loads_the_penguins(run_copied, penguins):
    pytest.importorskip("datasets")
    assert "num_rows: 344" in run_copied(penguins, "datasets", "Run")
    assert "Torgersen" in run_copied(penguins, "datasets", "Row by row, without downloading it first")


def test_pandas_loads_the_penguins(run_copied, penguins):
    assert "Torgersen" in run_copied(penguins, "pandas", "Run")
