"""Asks the hub at $HF_ENDPOINT through one client library, and prints as JSON where the library went.

`ask.py` prints which libraries there are and their versions; `ask.py NAME` asks through one of them.
"""

import json
import os
import sys
from importlib import metadata
from urllib.parse import urlsplit

REPO = "hub-doctor/not-there"


def huggingface_hub():
    from huggingface_hub import HfApi

    HfApi(token=False).model_info(REPO)


def datasets():
    from datasets import load_dataset_builder

    load_dataset_builder(REPO, token=False)


def transformers():
    from transformers import AutoConfig

    AutoConfig.from_pretrained(REPO, token=False)


def tokenizers():
    from tokenizers import Tokenizer

    Tokenizer.from_pretrained(REPO)


def diffusers():
    from diffusers import DiffusionPipeline

    DiffusionPipeline.from_pretrained(REPO, token=False)


def sentence_transformers():
    from sentence_transformers import SentenceTransformer

    SentenceTransformer(REPO, token=False)


def peft():
    from peft import PeftConfig

    PeftConfig.from_pretrained(REPO, token=False)


def timm():
    import timm

    timm.create_model(f"hf_hub:{REPO}", pretrained=True)


ASK = [huggingface_hub, datasets, transformers, tokenizers, diffusers, sentence_transformers, peft, timm]


def versions():
    """Returns the libraries that are installed."""
    found = {}
    for ask in ASK:
        try:
            found[ask.__name__] = metadata.version(ask.__name__.replace("_", "-"))
        except metadata.PackageNotFoundError:
            pass
    return found


def watch(places):
    """Notes every host that is looked up, and lets nothing go anywhere but to the hub."""
    hub = urlsplit(os.environ["HF_ENDPOINT"])

    def hook(event, arguments):
        if event == "socket.getaddrinfo" and arguments[0]:
            host = arguments[0].decode() if isinstance(arguments[0], bytes) else arguments[0]
            places.add(host)
            if host != hub.hostname:
                raise OSError(f"{host} is not the hub")

    sys.addaudithook(hook)


def main(name):
    """Asks for a repository that is not there; any error will do."""
    ask = next(ask for ask in ASK if ask.__name__ == name)
    places = set()
    watch(places)
    said = ""
    try:
        ask()
    except BaseException as error:  # noqa: BLE001 - libraries wrap what they hear in errors of their own
        said = f"{type(error).__name__}: {error}"
    print(json.dumps({"places": sorted(places), "said": said[:300]}))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        print(json.dumps(versions()))
