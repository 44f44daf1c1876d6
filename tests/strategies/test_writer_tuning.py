"""Pretrained encoder-decoders, trained further: what moves, which languages, and that the artifact says the same everywhere."""

import contextlib
import io
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.strategies.test_writing import TEXTS, rows
from tests.strategies.writers import PREFIX, made

from headstart.backbones.base import open_backbone
from headstart.backbones.languages import set_languages, tag_for, tags_of
from headstart.backbones.location import GENERATE, BackboneSource, locate
from headstart.errors import ModelError, RecipeError
from headstart.loading import load
from headstart.recipes.parsing import assemble, from_mapping
from headstart.recipes.sources import MEMORY
from headstart.runs.comparison import RunResult, compare
from headstart.runtime.progress import SILENT
from headstart.strategies.base import Context
from headstart.strategies.fine_tuning import FineTuning
from headstart.strategies.writer_tuning import moving_layers
from headstart.strategies.writing import opened_writer
from headstart.tasks.translation import Translation
from headstart.training.settings import Training

KINDS = ("bart", "t5", "nllb", "mbart", "mbart-50")
FOLDERS = dict.fromkeys(KINDS, Path())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny network of a kind."""
    table, place = rows(), tmp_path_factory.mktemp("writers")
    texts = [str(text) for column in table.columns.values() for text in column]
    return cache(lambda kind: made(kind, place / kind, texts))


@pytest.fixture(scope="module")
def ran(folder: Callable[[str], Path]) -> Callable[..., RunResult]:
    """A run of a strategy on the toy rows, once for each."""

    @cache
    def run(kind: str, *strategies: str, **options: Any) -> RunResult:
        given = {
            "train": MEMORY, "backbone": str(folder(kind)), "threads": 1, "task": "translation", "source_language": "en",
            "target_language": "de", "validation_share": 0.2, "controls": False, "folds": 0, "strategies": strategies, "seed": 5,
            "refit": False,
        }  # fmt: skip
        if {"fine-tuning", "lora"} & {*strategies}:
            given |= {"epochs": 2, "learning_rate": 3e-3, "batch_size": 8}
        found = compare(assemble("fit", given | options), SILENT, rows())
        assert found is not None
        return found

    return run


def opened(folder: Path) -> Any:
    needs = frozenset({GENERATE})
    return open_backbone(locate(BackboneSource(location=str(folder)), needs), needs=needs)


def printed(code: str, folder: Path) -> str:
    here, scope = os.getcwd(), {}
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            exec(compile(code, "card", "exec"), scope)
    finally:
        os.chdir(here)
    return said.getvalue().strip()


@pytest.mark.parametrize(
    ("kind", "name"),
    [*((kind, "fine-tuning") for kind in KINDS), pytest.param("t5", "lora", marks=pytest.mark.slow), ("bart", "lora")],
)
def test_saved_loaded_and_by_the_lines_of_the_card_it_writes_the_same(
    kind: str, name: str, ran: Callable[..., RunResult], tmp_path: Path
) -> None:
    compared = ran(kind, name)
    assert [(entry.status, entry.note) for entry in compared.entries] == [("done", "")]
    artifact = compared.artifact
    again = load(artifact.save(tmp_path / "saved"))
    expected = artifact.outputs(TEXTS).texts
    assert again.outputs(TEXTS).texts == expected
    assert again.outputs(TEXTS[1:]).texts == expected[1:]
    code = artifact.predictor.usage().replace('"a text"', repr(TEXTS[0]))
    assert printed(code, tmp_path / "saved") == expected[0][0]
    twice = load(again.save(tmp_path / "twice"))
    assert twice.outputs(TEXTS).texts == expected, "what the folder says is kept when it is saved again"


@pytest.mark.parametrize(
    ("kind", "name"), [("nllb", "fine-tuning"), ("bart", "lora"), ("t5", "from-scratch"), ("t5", "untouched")]
)
def test_the_resolved_recipe_writes_the_same_again(kind: str, name: str, ran: Callable[..., RunResult]) -> None:
    first = ran(kind, name, **({"like": "fine-tuning", "epochs": 1} if name == "from-scratch" else {}))
    second = compare(from_mapping(dict(first.artifact.recipe), "recipe.yaml"), SILENT, rows())
    assert second is not None
    assert second.artifact.recipe == first.artifact.recipe
    assert second.artifact.outputs(TEXTS).texts == first.artifact.outputs(TEXTS).texts


def test_training_lowers_the_loss_and_may_keep_the_weights_before(ran: Callable[..., RunResult]) -> None:
    for name in ("fine-tuning", "lora"):
        curve = ran("bart", name).entries[0].finished.curve
        assert curve[-1]["validation_loss"] < curve[0]["validation_loss"] - 0.3, name
    still = ran("bart", "fine-tuning", learning_rate=1e-9).entries[0].finished
    assert still.epoch == 0
    assert still.validation.texts == ran("bart", "untouched").entries[0].finished.validation.texts


def test_corrections_are_in_both_stacks_and_merged(
    ran: Callable[..., RunResult], folder: Callable[[str], Path]
) -> None:
    backbone = ran("bart", "lora").entries[0].finished.predictor.backbone
    before, after = opened(folder("bart")).network.state_dict(), backbone.network.state_dict()
    assert before.keys() == after.keys()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert {name.split(".")[1] for name in moved} == {"encoder", "decoder"}
    assert all(name.endswith("weight") and "embed" not in name and "norm" not in name for name in moved)


def test_a_run_that_names_none_takes_up_what_suits_the_backbone(
    folder: Callable[[str], Path], tmp_path: Path, make_backbone: Callable[..., Path]
) -> None:
    from headstart.runs.comparison import set_up

    def names(place: Path) -> list[str]:
        given = {"train": MEMORY, "backbone": str(place), "task": "translation", "validation_share": 0.2, "folds": 0}
        plan = set_up(assemble("fit", given), SILENT, rows(), 0.0)
        return [entry.strategy.name for entry in plan.entries()]

    found = names(folder("bart"))
    assert {"untouched", "fine-tuning", "from-scratch"} <= {*found}
    assert "warm-start" not in found
    encoder = names(make_backbone(tmp_path / "bert"))
    assert "warm-start" in encoder
    assert not {"untouched", "fine-tuning", "lora"} & {*encoder}


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        (
            "bert",
            "fine-tuning",
            "fine-tuning: networks of the architecture bert write no text for a text; warm-start puts",
        ),
        (
            "gpt2",
            "warm-start",
            "warm-start: networks of the architecture gpt2 read from left to right, and go on with a text",
        ),
        (
            "bart",
            "warm-start",
            "warm-start: networks of the architecture bart write as they are; fine-tuning trains them",
        ),
    ],
)
def test_networks_that_a_strategy_cannot_start_from_are_refused_before_weights_are_read(
    kind: str,
    name: str | None,
    said: str,
    folder: Callable[[str], Path],
    make_backbone: Callable[..., Path],
    tmp_path: Path,
) -> None:
    place = folder(kind) if kind in KINDS else make_backbone(tmp_path / kind, kind)
    if kind not in KINDS:
        (place / "model.safetensors").write_bytes(b"no weights")
    given = {"train": MEMORY, "backbone": str(place), "task": "translation"} | ({"strategy": name} if name else {})
    with pytest.raises(ModelError, match=said):
        compare(assemble("fit", given), SILENT, rows())


def test_codes_of_languages_are_those_of_the_model_or_of_everybody(folder: Callable[[str], Path]) -> None:
    long, short = tags_of(opened(folder("nllb"))), tags_of(opened(folder("mbart")))
    assert [*long] == ["deu_Latn", "eng_Latn", "zho_Hans", "zho_Hant"]
    assert "de_DE" in short
    assert tags_of(opened(folder("bart"))) == {}
    for code in ("de", "deu", "deu_Latn", "DEU-latn"):
        assert tag_for(code, long, "k") == "deu_Latn"
    assert [tag_for(code, short, "k") for code in ("de", "de_DE", "deu")] == ["de_DE"] * 3
    assert tag_for("de", {"__de__": 4, "__en__": 5}, "k") == "__de__"
    with pytest.raises(RecipeError, match="has 'zh' as zho_Hans and zho_Hant; name one of them"):
        tag_for("zh", long, "k")
    with pytest.raises(
        RecipeError, match=r"does not know the language 'deu_Latin'.*deu_Latn.*it knows deu_Latn, eng_Latn"
    ):
        tag_for("deu_Latin", long, "k")


def test_a_network_of_many_languages_is_told_which(folder: Callable[[str], Path]) -> None:
    backbone = opened(folder("nllb"))
    with pytest.raises(RecipeError, match=r"knows 4 languages \(deu_Latn, .*\); name one with --target-language"):
        set_languages(backbone, "en", None)
    for kind, read, written in (
        ("nllb", "front", "front"),
        ("mbart-50", "front", "front"),
        ("mbart", "behind", "none"),
    ):
        backbone = opened(folder(kind))
        set_languages(backbone, "en", "de")
        tags = tags_of(backbone)
        source, target = (side.encode(["day"]).flat.tolist() for side in (backbone.tokenizer, backbone.target))
        english, german = (
            next(number for tag, number in tags.items() if tag.startswith(code)) for code in ("en", "de")
        )
        assert source[0 if read == "front" else -1] == english
        assert (german in target) is (written == "front")
        assert (backbone.marks.start, backbone.marks.forced)[written == "front"] == german


def test_what_stands_in_front_of_a_text_is_that_of_the_folder_or_what_is_given(
    ran: Callable[..., RunResult], tmp_path: Path
) -> None:
    usual = ran("t5", "untouched").artifact.predictor.backbone
    assert usual.tokenizer.prefix == PREFIX
    plain = ran("t5", "untouched", prefix="").artifact
    assert plain.predictor.backbone.tokenizer.prefix == ""
    ids = [
        each.tokenizer.encode([text]).flat.tolist()
        for each, text in ((usual, "day"), (plain.predictor.backbone, PREFIX + "day"))
    ]
    assert ids[0] == ids[1]
    assert load(plain.save(tmp_path / "plain")).predictor.backbone.tokenizer.prefix == ""


@pytest.mark.parametrize("kind", ["bart", "t5"])
def test_layers_move_from_the_top_of_the_decoder_down(kind: str, folder: Callable[[str], Path]) -> None:
    backbone = opened(folder(kind))
    encoder = {id(each) for each in backbone.network.get_encoder().parameters()}

    def moving(**options: Any) -> list[tuple[bool, float, int]]:
        groups = moving_layers(FineTuning(layer_decay=0.5, **options), backbone, 3)
        return [
            ({id(p) for m in each.modules for p in m.parameters()} <= encoder, each.rate, each.from_epoch)
            for each in groups
        ]

    assert moving() == [(False, 1.0, 0), (False, 0.5, 0), (True, 1.0, 0), (True, 0.5, 0)]
    assert moving(layers=1) == [(False, 1.0, 0)]
    assert [each[2] for each in moving(unfreezing="gradual")] == [0, 1, 2, 2]
    assert len(moving(embeddings=True)) == 5


def context(folder: Path, **training: Any) -> Context:
    """A run on the toy rows, 72 of them to learn from."""
    table = rows()
    task = Translation(source_language="en", target_language="de").guess(table)
    found, _ = task.parse(table)
    task = task.bind(found)
    located = locate(BackboneSource(location=str(folder)))
    parts = found.take(np.arange(72)), found.take(np.arange(72, 90))
    return Context(task, *parts, located, Training(batch_size=8, epochs=3, learning_rate=3e-3, **training), 5)


@pytest.mark.parametrize(
    "kind", ["bart", pytest.param("t5", marks=pytest.mark.slow), pytest.param("nllb", marks=pytest.mark.slow)]
)
def test_states_of_a_frozen_encoder_are_computed_once_and_change_nothing(
    kind: str, folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.strategies import writing

    passed: list[int] = []
    count = 0

    def run(layers: int, shortened: bool) -> Any:
        nonlocal count
        count = 0
        with monkeypatch.context() as patch:
            if not shortened:
                patch.setattr(writing, "_shortened", lambda *_: contextlib.nullcontext())
            patch.setattr(writing, "SAMPLE", 4)
            original = writing.opened_writer

            def watched(*args: Any, **options: Any) -> Any:
                backbone = original(*args, **options)

                def add(_: Any, args: Any, kwargs: Any) -> None:
                    nonlocal count
                    count += len(kwargs["input_ids"])

                backbone.network.get_encoder().register_forward_pre_hook(add, with_kwargs=True)
                return backbone

            patch.setattr("headstart.strategies.writer_tuning.opened_writer", watched)
            found = FineTuning(layers=layers).fit(context(folder(kind)))
        passed.append(count)
        return found

    kept, plain = run(2, True), run(2, False)
    ours, theirs = (each.predictor.backbone.network.state_dict() for each in (kept, plain))
    assert max(float((ours[name] - theirs[name]).abs().max()) for name in ours) < 1e-5
    assert kept.predictor.backbone.shortcut is None
    assert passed[0] < 0.6 * passed[1]
    run(3, True)
    assert passed[2] > 0.9 * passed[1], "the top layer of the encoder moves"


def test_a_warm_start_whose_encoder_stays_reads_as_it_did(
    make_backbone: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.strategies import writing
    from headstart.strategies.warm_start import WarmStart

    place = make_backbone(tmp_path / "bert", initializer_range=0.2)
    given = context(place)
    ours = WarmStart(decoder_layers=1, encoder_rate=0).fit(given).predictor.backbone
    with monkeypatch.context() as patch:
        patch.setattr(writing, "_shortened", lambda *_: contextlib.nullcontext())
        theirs = WarmStart(decoder_layers=1, encoder_rate=0).fit(given).predictor.backbone
    states = [each.network.state_dict() for each in (ours, theirs)]
    assert max(float((states[0][name] - states[1][name]).abs().max()) for name in states[0]) < 1e-5
    first = ours.written[0]
    before = WarmStart(decoder_layers=1)._network(given, pretrained=True)[0].network.state_dict()
    for name, weight in states[0].items():
        if name.startswith("model.encoder."):
            rows = slice(first) if "embed_tokens" in name else slice(None)
            assert torch.equal(weight[rows], before[name][rows]), name
    moved = states[0]["model.shared.weight"][first:] != before["model.shared.weight"][first:]
    assert moved.any(), "what is written has learnt"
    assert torch.equal(states[0]["lm_head.weight"], states[0]["model.shared.weight"])


def test_options_that_mean_nothing_for_the_task_are_refused() -> None:
    from headstart.strategies.lora import Lora
    from headstart.tasks.text_classification import TextClassification

    assert FineTuning(head="mean").refuses(Translation()) == (
        "head is for tasks with a head, and here words are told by the network's own"
    )
    why = Lora(prefix="x", word_dropout=0.1).refuses(TextClassification())
    assert why == "prefix and word_dropout are for tasks that write texts"
    assert FineTuning().refuses(Translation()) == Lora().refuses(TextClassification()) == ""


def test_random_weights_are_those_of_the_same_network(folder: Callable[[str], Path]) -> None:
    one = opened_writer(context(folder("bart")))
    other = opened_writer(context(folder("bart")), pretrained=False)
    assert {n: p.shape for n, p in one.network.named_parameters()} == {
        n: p.shape for n, p in other.network.named_parameters()
    }
    assert not torch.equal(one.network.model.shared.weight, other.network.model.shared.weight)
