"""Small artifacts of every kind with random weights, and their manifests rewritten as whoever made a folder could."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from headstart.artifact import Artifact
from headstart.manifest import MANIFEST, OWN_DIGEST, checkable
from headstart.predictors.linear_text import CHARACTERS, WORDS, LinearTextPredictor, vectorizer_for
from headstart.tasks.sentence_similarity import SentenceSimilarity
from headstart.tasks.text_classification import TextClassification
from headstart.tasks.text_regression import TextRegression
from headstart.tasks.token_classification import TokenClassification

TEXTS = ["a good day", "bad bad night", "the shop opens"]
RECIPE, EVIDENCE = {"verb": "fit", "data": {"train": "x.csv"}, "seed": 3}, {"title": "x", "backbone": None}
CLASSES = TextClassification(text=("text",), label="label", labels=("no", "yes"), metric="accuracy")
TAGS = TokenClassification(text=("text",), label="tags", labels=("O", "B-X", "I-X"))
NUMBERS = TextRegression(text=("text",), label="stars", labels=("stars",), mean=3.0, deviation=1.0)
PAIRS = SentenceSimilarity(text=("one", "two"), label="score", labels=("score",), mean=0.5, deviation=0.25)


def linear(task: Any = CLASSES) -> Artifact:
    """TF-IDF with random weights."""
    vectorizers = [vectorizer_for(options).fit(TEXTS) for options in (WORDS, CHARACTERS)]
    terms, width = sum(len(vectorizer.vocabulary_) for vectorizer in vectorizers), len(task.names)
    random = np.random.default_rng(0)
    weight, bias = random.normal(size=(width, terms)), random.normal(size=width)
    return Artifact(LinearTextPredictor(vectorizers, weight, bias, task), task, dict(RECIPE), dict(EVIDENCE))


def chain() -> Artifact:
    """A chain of tags with random weights."""
    from headstart.predictors.chain import ChainPredictor, shapes_of
    from headstart.solving.forward_backward import Chain

    features = sorted({name for text in TEXTS for names in shapes_of(text.split()) for name in names})
    random = np.random.default_rng(0)
    weights = Chain(random.normal(size=(len(features), 3)), random.normal(size=(3, 3)))
    return Artifact(ChainPredictor(weights, features, TAGS), TAGS, dict(RECIPE), dict(EVIDENCE))


def network(backbone: Path, task: Any = CLASSES, **options: Any) -> Artifact:
    """A network with a random head; `options` are those of `PooledHead`."""
    import torch

    from headstart.backbones.encoder import TextEncoder
    from headstart.backbones.location import BackboneSource, locate
    from headstart.heads.model import Model
    from headstart.predictors.network import NetworkPredictor

    torch.manual_seed(0)
    encoder = TextEncoder(locate(BackboneSource(location=str(backbone))))
    encoder.words = task.words
    predictor = NetworkPredictor(Model(encoder, task.heads(encoder, **options)), task)
    return Artifact(predictor, task, dict(RECIPE), dict(EVIDENCE))


def twins(backbone: Path) -> Artifact:
    """A bi-encoder."""
    from headstart.backbones.encoder import TextEncoder
    from headstart.backbones.location import BackboneSource, locate
    from headstart.heads.cosine import CosineHead
    from headstart.heads.model import Model
    from headstart.predictors.twins import TwinPredictor

    encoder = TextEncoder(locate(BackboneSource(location=str(backbone))))
    head = CosineHead(layers=(2,), pooling="mean", depth=2)
    return Artifact(TwinPredictor(Model(encoder, {"classification": head}), PAIRS), PAIRS, dict(RECIPE), dict(EVIDENCE))


def rewrite(folder: Path, change: Callable[[dict[str, Any]], Any] = lambda manifest: None) -> None:
    """Change a manifest as its maker could: digests, its own too, are made to agree with what lies in the folder."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    manifest.pop(OWN_DIGEST, None)
    for files in (*(part["files"] for part in manifest["parts"].values()), manifest.get("files", {})):
        for name in files:
            if os.path.isfile(folder / name):
                files[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(checkable(manifest)), encoding="utf-8")


def in_first_format(folder: Path) -> None:
    """Write the manifest as the first version of headstart did: one part, one answer, digests of weights alone."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    [part], [answer] = manifest["parts"].values(), manifest["answers"].values()
    digests = {name: digest for name, digest in part["files"].items() if name.endswith(".safetensors")}
    first = {
        "format": 1, "headstart": "0.1.0", "kind": part["kind"], "predictor": part["description"] | {"digests": digests},
        "task": answer["task"] | {"thresholds": None}, "labels": answer["labels"], "backbone": manifest["backbone"],
    }  # fmt: skip
    (folder / MANIFEST).write_text(json.dumps(first), encoding="utf-8")
