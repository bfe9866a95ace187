"""Cards as the client library reads, checks and writes them."""

import huggingface_hub
import pytest
from huggingface_hub import (
    DatasetCard,
    EvalResult,
    ModelCard,
    ModelCardData,
    metadata_load,
    metadata_update,
)
from huggingface_hub.errors import HfHubHTTPError

calls = pytest.mark.calls
# Its `RepoCard.validate`, which pushing a card calls too, has the address built in.
checks_here = pytest.mark.skipif(
    huggingface_hub.__version__.startswith("1."),
    reason="1.28 checks cards at huggingface.co, whatever HF_ENDPOINT says",
)


@checks_here
@calls("ModelCard.push_to_hub", "ModelCard.load", "ModelCard.validate")
def test_a_model_card_is_checked_pushed_and_loaded(api, new_repo):
    repo_id = new_repo()
    data = ModelCardData(
        language="en",
        license="mit",
        library_name="numpy",
        model_name="Tiny",
        tags=["acceptance"],
        eval_results=[
            EvalResult(
                task_type="text-classification",
                dataset_type="ada/corpus",
                dataset_name="Corpus",
                metric_type="accuracy",
                metric_value=0.5,
            )
        ],
    )
    card = ModelCard.from_template(data, model_id="tiny", model_description="It is tiny.")
    card.validate()
    card.push_to_hub(repo_id, token=api.token)
    loaded = ModelCard.load(repo_id, token=api.token)
    assert loaded.data.license == "mit"
    assert loaded.data.eval_results[0].metric_value == 0.5
    assert "It is tiny." in loaded.text
    assert api.model_info(repo_id).card_data.language == "en"


@checks_here
@calls("ModelCard.validate")
def test_a_card_with_a_broken_licence_is_refused(api):
    card = ModelCard("---\nlicense: not-a-licence-at-all\n---\n# Card\n")
    with pytest.raises((ValueError, HfHubHTTPError), match="license"):
        card.validate()


@checks_here
@calls("DatasetCard.push_to_hub", "DatasetCard.load")
def test_a_dataset_card_is_pushed_and_loaded(api, new_repo):
    repo_id = new_repo("dataset")
    card = DatasetCard("---\nlicense: cc0-1.0\npretty_name: Numbers\n---\n# Numbers\n")
    card.push_to_hub(repo_id, token=api.token)
    assert DatasetCard.load(repo_id, token=api.token).data.pretty_name == "Numbers"


@checks_here
@calls("metadata_update")
def test_metadata_is_updated_in_place(api, new_repo, tmp_path):
    repo_id = new_repo(files={"README.md": b"---\nlicense: mit\n---\n# Kept\n"})
    metadata_update(repo_id, {"tags": ["one"]}, token=api.token)
    path = api.hf_hub_download(repo_id, "README.md", cache_dir=tmp_path)
    assert metadata_load(path) == {"license": "mit", "tags": ["one"]}
    assert "# Kept" in open(path).read()


@checks_here
@calls("ModelHubMixin.push_to_hub", "ModelHubMixin.from_pretrained")
def test_a_class_of_ones_own_is_pushed_and_loaded(api, unique, tmp_path):
    from pathlib import Path

    from huggingface_hub import ModelHubMixin

    class Scale(ModelHubMixin):
        def __init__(self, factor: int = 1):
            self.factor = factor

        def _save_pretrained(self, save_directory: Path) -> None:
            (save_directory / "weights.bin").write_bytes(b"\0" * self.factor)

        @classmethod
        def _from_pretrained(cls, *, model_id, factor=1, **_):
            return cls(factor=factor)

    repo_id = f"bob/{unique('mixin')}"
    Scale(7).push_to_hub(repo_id, token=api.token)
    assert Scale.from_pretrained(repo_id, token=api.token, cache_dir=tmp_path).factor == 7
