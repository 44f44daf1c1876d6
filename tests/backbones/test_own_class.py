"""A class of backbones of its own is one file and one line: nothing else has to know of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from tests.bag_of_embeddings import NAME, BagOfEmbeddings, make_bag

import headstart
from headstart.backbones import BACKBONES
from headstart.backbones.base import MAIN, Inputs, open_backbone
from headstart.backbones.encoder import TextEncoder
from headstart.backbones.location import BackboneSource, locate
from headstart.data.store import Store
from headstart.errors import ModelError, UsageError
from headstart.heads.model import Model
from headstart.loading import load
from headstart.objectives.masked_lm import MaskedLM
from headstart.strategies.base import Context
from headstart.tasks.text_classification import TextClassification
from headstart.training.settings import Training


@pytest.fixture
def bag(tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its folder; the class is found by its entry point, as that of another package is."""
    about = tmp_path / "elsewhere" / "bags-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: bags\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{BACKBONES.group}]\n{NAME} = tests.bag_of_embeddings:BagOfEmbeddings\n")
    monkeypatch.syspath_prepend(about.parent)
    monkeypatch.setattr(BACKBONES, "_table", dict(BACKBONES._table))
    monkeypatch.setattr(BACKBONES, "_extended", False)
    return make_bag(tmp_path / "bag", tiny_backbone)


def opened(folder: Path) -> Any:
    return open_backbone(locate(BackboneSource(location=str(folder))))


def test_the_class_is_chosen_by_the_configuration(bag: Path, tiny_backbone: Path) -> None:
    assert isinstance(opened(bag), BagOfEmbeddings)
    assert isinstance(opened(tiny_backbone), TextEncoder)


def test_without_the_class_its_architecture_is_not_known(tiny_backbone: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"model_type '{NAME}' is not one that is loaded"):
        opened(make_bag(tmp_path / "bag", tiny_backbone))


@pytest.mark.parametrize(
    ("strategy", "options"),
    [
        ("feature-extraction", {}),
        ("fine-tuning", {"epochs": 2, "learning_rate": 1e-2}),
        ("fine-tuning", {"epochs": 2, "head": "mean", "embeddings": True}),
        ("contrastive", {"epochs": 2}),
        ("from-scratch", {"epochs": 2, "rates": (1e-3,)}),
    ],
)
def test_it_is_fitted_saved_and_loaded_like_any_other(
    strategy: str, options: dict[str, Any], bag: Path, tiny_csv: Path, tmp_path: Path
) -> None:
    artifact = headstart.fit(
        tiny_csv, strategy=strategy, backbone=str(bag), controls=False, folds=0, threads=1, **options
    )
    texts = ["a good day", "a bad night", "the parcel arrives"]
    expected = artifact.predict_proba(texts)
    assert np.ptp(expected[:, 0]) > 1e-4
    again = load(artifact.save(tmp_path / "run"))
    np.testing.assert_allclose(again.predict_proba(texts), expected, atol=1e-6)
    assert opened(tmp_path / "run").located.config["model_type"] == NAME


def test_passes_start_above_its_frozen_layer(bag: Path) -> None:
    from headstart.data.cache import no_cache
    from headstart.training.frozen import Shortcut, TextSet

    backbone = opened(bag).eval()
    tokens = backbone.tokenizer.encode(["good", "a bad day", "it is on its way", "the shop opens at nine"])
    shortcut = Shortcut(backbone, 1, TextSet([tokens]), no_cache())
    inputs = Inputs(*map(torch.from_numpy, tokens.pad(range(4), 0)))
    expected = backbone.encode(inputs).hidden * inputs.mask.unsqueeze(-1)
    backbone.shortcut = shortcut
    torch.testing.assert_close(backbone.encode(inputs).hidden * inputs.mask.unsqueeze(-1), expected)


def test_words_cannot_be_told_by_what_has_no_head_over_them(bag: Path) -> None:
    with pytest.raises(ModelError, match="bag has no head over words: it is no network of transformers"):
        MaskedLM().heads(opened(bag))


class Writing(TextClassification):
    """A task that needs more than any class can do."""

    needs: ClassVar[frozenset[str]] = frozenset({"encode", "generate"})


@pytest.mark.parametrize("door", ["comparison", "context", "opening"])
def test_what_a_backbone_cannot_do_is_said_before_weights_are_read(
    door: str, tiny_backbone: Path, tiny_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "networks of the architecture bert cannot generate, which is needed here; they can encode"
    located = locate(BackboneSource(location=str(tiny_backbone)))
    monkeypatch.setattr("headstart.backbones.location.weights_digest", lambda _: pytest.fail("weights were read"))
    monkeypatch.setattr(TextEncoder, "__init__", lambda *_, **__: pytest.fail("weights were read"))
    with pytest.raises(ModelError, match=said):
        if door == "comparison":
            monkeypatch.setattr(TextClassification, "needs", Writing.needs)
            headstart.fit(tiny_csv, strategy="feature-extraction", backbone=str(tiny_backbone))
        elif door == "context":
            nothing: Store[Any] = Store([], [], None)
            Context(Writing(), nothing, nothing, located, Training(), 0).backbone()
        else:
            open_backbone(located, needs=Writing.needs)


def test_raw_text_is_not_read_where_the_network_cannot_learn_by_the_objective(
    tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MaskedLM, "needs", Writing.needs)
    text = str(tmp_path / "not-there.txt")
    options: dict[str, Any] = {"output": str(tmp_path / "lm"), "objective": "masked-lm"}
    with pytest.raises(ModelError, match="the architecture bert cannot generate"):
        headstart.adapt(text, backbone=str(tiny_backbone), **options)
    with pytest.raises(ModelError, match="the architecture electra cannot generate"):
        headstart.pretrain(text, architecture="electra", **options)


def test_a_run_has_further_networks_by_role(bag: Path, tiny_backbone: Path) -> None:
    nothing: Store[Any] = Store([], [], None)
    located = locate(BackboneSource(location=str(tiny_backbone)))
    context = Context(TextClassification(), nothing, nothing, located, Training(), 0)
    context = replace(context, others={"generator": locate(BackboneSource(location=str(bag)))})
    main, other = context.backbone(), context.backbone("generator")
    assert (type(main), type(other)) == (TextEncoder, BagOfEmbeddings)
    with pytest.raises(UsageError, match="without a backbone for the role of teacher"):
        context.backbone("teacher")
    model = Model(main, {}, others={"generator": other})
    assert model.backbones == {MAIN: main, "generator": other}
    names = {name.partition(".")[0] for name, _ in model.named_parameters()}
    assert names == {"backbone", "others"}
    assert all(name.startswith("backbone.") for name, _ in Model(main, {}).named_parameters())


class Spy(BagOfEmbeddings):
    """Notes what arrives."""

    def run(self, inputs: Inputs, *, layers: bool = False) -> Any:
        self.seen = inputs
        return super().run(inputs, layers=layers)


def test_extra_tensors_reach_the_network_in_full_and_no_pass_is_cut_short(bag: Path) -> None:
    backbone = Spy(locate(BackboneSource(location=str(bag))))
    backbone.shortcut = lambda _: pytest.fail("a pass that starts above knows nothing of extra tensors")
    extra = torch.arange(2 * 3 * 3).view(2, 3, 3)
    inputs = Inputs(torch.tensor([[5, 6, 0], [7, 8, 9]]), torch.tensor([[1, 1, 0], [1, 1, 1]]), more={"order": extra})
    backbone.encode(inputs)
    assert torch.equal(backbone.seen.more["order"], extra)
    some = inputs.take(torch.tensor([0]), 2)
    assert (some.mask.shape, some.more["order"].shape) == ((1, 3), (1, 3, 3))
    plain = replace(inputs, more={}).take(torch.tensor([0]), 2)
    assert plain.ids is not None
    assert plain.ids.tolist() == [[5, 6]]


def test_prompts_are_kept_in_what_is_saved(make_backbone: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_backbone(tmp_path / "bert")
    assert opened(folder).prompts == {}
    backbone = opened(folder)
    backbone.save(folder)
    assert not (folder / "config_sentence_transformers.json").exists()
    backbone.prompts = {"query": "query: ", "passage": "passage: "}
    (tmp_path / "kept").mkdir()
    backbone.save(tmp_path / "kept")
    assert opened(tmp_path / "kept").prompts == {"query": "query: ", "passage": "passage: "}
