"""The forward pass of a BERT sentence encoder in numpy: enough to prove that the weights arrived."""

import json
import math
from pathlib import Path

import numpy
from safetensors.numpy import load_file
from tokenizers import Tokenizer

_erf = numpy.vectorize(math.erf, otypes=[numpy.float32])


class Encoder:
    """Loads a folder as downloaded and turns sentences into unit vectors."""

    def __init__(self, folder):
        folder = Path(folder)
        self.config = json.loads((folder / "config.json").read_text())
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.weights = load_file(folder / "model.safetensors")

    def encode(self, sentence: str) -> numpy.ndarray:
        """Returns the mean of the last layer over all tokens, normalised."""
        encoding = self.tokenizer.encode(sentence)
        ids = [token for token, used in zip(encoding.ids, encoding.attention_mask) if used]
        hidden = self._embed(ids)
        for layer in range(self.config["num_hidden_layers"]):
            hidden = self._layer(hidden, f"encoder.layer.{layer}")
        mean = hidden.mean(axis=0)
        return mean / numpy.linalg.norm(mean)

    def _embed(self, ids):
        words = self.weights["embeddings.word_embeddings.weight"][ids]
        places = self.weights["embeddings.position_embeddings.weight"][: len(ids)]
        types = self.weights["embeddings.token_type_embeddings.weight"][0]
        return self._norm(words + places + types, "embeddings.LayerNorm")

    def _layer(self, hidden, name):
        heads = self.config["num_attention_heads"]

        def split(x):
            return x.reshape(len(x), heads, -1).transpose(1, 0, 2)

        query, key, value = (
            split(self._dense(hidden, f"{name}.attention.self.{part}")) for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[-1])
        scores = numpy.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        mixed = (scores @ value).transpose(1, 0, 2).reshape(hidden.shape)
        mixed = self._dense(mixed, f"{name}.attention.output.dense")
        hidden = self._norm(hidden + mixed, f"{name}.attention.output.LayerNorm")
        wide = self._dense(hidden, f"{name}.intermediate.dense")
        wide = wide * 0.5 * (1 + _erf(wide / math.sqrt(2)))
        return self._norm(hidden + self._dense(wide, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _dense(self, x, name):
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def _norm(self, x, name):
        centred = x - x.mean(axis=-1, keepdims=True)
        scale = numpy.sqrt((centred**2).mean(axis=-1, keepdims=True) + self.config["layer_norm_eps"])
        return centred / scale * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]
