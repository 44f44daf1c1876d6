"""Strategies that write: controls by hand, a warm start that learns toy sentences by heart, folders that say the same again."""

import contextlib
import io
import os
from collections.abc import Callable
from functools import cache
from math import log
from pathlib import Path
from typing import Any

import pytest

import headstart
from headstart.data.table import Table
from headstart.loading import load
from headstart.recipes.parsing import assemble, from_mapping
from headstart.recipes.sources import MEMORY
from headstart.runs.comparison import RunResult, compare
from headstart.runtime.progress import SILENT
from headstart.solving.alignment import word_translations

NOUNS = {"day": "Tag", "start": "Start", "way": "Weg", "monday": "Montag", "shop": "Laden", "night": "Abend"}
VERBS = {"is": "ist", "opens": "sieht", "say": "kennt"}
TEXTS = ["day opens shop", "night say way"]
CONTROLS = ("copy-source", "lexicon", "nearest-sentence")


def rows(*more: tuple[str, str]) -> Table:
    """Ninety sentences, word for word the same in both languages, and more."""
    pairs = [
        (f"{one} {verb} {other}", f"{NOUNS[one]} {VERBS[verb]} {NOUNS[other]}")
        for one in NOUNS
        for verb in VERBS
        for other in NOUNS
        if one != other
    ]
    pairs += more
    columns = {"en": [one for one, _ in pairs], "de": [other for _, other in pairs]}
    return Table(MEMORY, columns, list(range(1, len(pairs) + 1)))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, make_backbone: Callable[..., Path]) -> Callable[..., RunResult]:
    """A run with options on the toy rows, once for each."""
    backbone = make_backbone(tmp_path_factory.mktemp("backbone") / "wide-bert", initializer_range=0.2)

    @cache
    def run(
        *strategies: str, folds: int | None = 0, more: tuple[tuple[str, str], ...] = (), **options: Any
    ) -> RunResult:
        given = {
            "train": MEMORY, "backbone": str(backbone), "threads": 1, "task": "translation", "source_language": "en",
            "target_language": "de", "validation_share": 0.2, "controls": False, "folds": folds, "strategies": strategies, "seed": 5,
            "refit": False,
        }  # fmt: skip
        if "warm-start" in strategies or "from-scratch" in strategies:
            given |= {"epochs": 3, "learning_rate": 3e-3, "batch_size": 8}
        if "warm-start" in strategies:
            given |= {"decoder_layers": 1}
        found = compare(assemble("fit", given | options), SILENT, rows(*more))
        assert found is not None
        return found

    return run


@pytest.mark.parametrize("name", [*CONTROLS, "warm-start"])
def test_saved_and_loaded_it_writes_the_same(name: str, ran: Callable[..., RunResult], tmp_path: Path) -> None:
    compared = ran(name)
    assert [(entry.status, entry.note) for entry in compared.entries] == [("done", "")]
    artifact = compared.artifact
    again = load(artifact.save(tmp_path / "saved"))
    ours, theirs = artifact.outputs(TEXTS), again.outputs(TEXTS)
    assert ours.texts == theirs.texts
    assert again.outputs(TEXTS[1:]).texts == theirs.texts[1:], "alone as in company"
    said = again.predict(TEXTS)[0].plain()
    assert said.keys() == again.task.nothing.keys()
    assert again.recipe == artifact.recipe
    if name == "warm-start":
        greedy = again.predictor.written(TEXTS, again.task.revised(beams=1).decoding).texts
        assert [("".join(again.stream_text(text)),) for text in TEXTS] == greedy, "as it is written and whole"
        shown = headstart.predict(tmp_path / "saved", texts=TEXTS, stream=True)["predictions"]
        assert [(row["text"],) for row in shown] == greedy


@pytest.mark.parametrize("name", ["lexicon", "warm-start", "from-scratch"])
def test_the_resolved_recipe_writes_the_same_again(name: str, ran: Callable[..., RunResult]) -> None:
    first = ran(name)
    second = compare(from_mapping(dict(first.artifact.recipe), "recipe.yaml"), SILENT, rows())
    assert second is not None
    assert second.artifact.recipe == first.artifact.recipe
    assert second.artifact.outputs(TEXTS).texts == first.artifact.outputs(TEXTS).texts


def test_controls_write_what_they_know(ran: Callable[..., RunResult]) -> None:
    said = {name: [text for (text,) in ran(name).artifact.outputs(["Day opens a shop!"]).texts] for name in CONTROLS}
    assert said["copy-source"] == ["Day opens a shop!"]
    assert said["lexicon"] == ["Tag sieht a Laden!"]
    memory = ran("nearest-sentence").artifact
    text, known = memory.predictor.pairs[7]
    assert memory.outputs([f"{text.upper()} ,"]).texts == [(known,)]


def test_controls_are_always_there() -> None:
    recipe = assemble("fit", {"train": "a.csv", "task": "translation", "strategy": "warm-start"})
    assert [strategy.name for strategy in recipe.planned()] == [*CONTROLS, "untouched", "warm-start", "from-scratch"]


def test_the_control_from_scratch_has_the_network_of_the_warm_start(ran: Callable[..., RunResult]) -> None:
    options = {"strategy": "warm-start", "decoder_layers": 1, "encoder_rate": 0.5}
    recipe = assemble("fit", {"train": "a.csv", "task": "translation"} | options)
    warm, cold = recipe.planned()[-2:]
    assert cold.like == warm  # type: ignore[attr-defined]
    compared = ran("warm-start", "from-scratch")
    sizes = {entry.strategy.name: entry.finished.trainable_parameters for entry in compared.entries}
    assert [entry.status for entry in compared.entries] == ["done", "done"]
    assert sizes["warm-start"] == sizes["from-scratch"]
    weights = [
        entry.finished.predictor.backbone.network.model.encoder.layers[0].fc1.weight for entry in compared.entries
    ]
    assert float((weights[0] - weights[1]).detach().abs().max()) > 0.1


@pytest.mark.parametrize("name", ["lexicon", "warm-start"])
def test_with_few_rows_each_is_written_by_what_did_not_learn_from_it(name: str, ran: Callable[..., RunResult]) -> None:
    options = {"epochs": 1} if name == "warm-start" else {}
    compared = ran(name, folds=2, **options)
    assert [(entry.status, entry.note) for entry in compared.entries] == [("done", "")]
    assert len(compared.chosen.finished.validation) == 90


LEARNT = {"epochs": 36, "learning_rate": 5e-3, "decoder_layers": 2, "metric": "chrf"}
BLIND = (log(6) + log(3) + log(5)) / 4
"""Nats by word, the end included, of whoever knows the sentences and does not read."""


def test_a_warm_start_reads_what_it_translates(ran: Callable[..., RunResult]) -> None:
    curve = ran("warm-start", **LEARNT).entries[0].finished.curve
    assert curve[0]["validation_loss"] > 4
    assert min(epoch["validation_loss"] for epoch in curve) < 0.9 * BLIND


def test_the_card_writes_the_same_with_plain_transformers(ran: Callable[..., RunResult], tmp_path: Path) -> None:
    artifact = ran("warm-start", **LEARNT).artifact
    artifact.save(tmp_path / "saved")
    code = artifact.predictor.usage().replace('"a text"', repr(TEXTS[0]))
    here, scope = os.getcwd(), {}
    os.chdir(tmp_path / "saved")
    try:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, "card", "exec"), scope)
    finally:
        os.chdir(here)
    assert printed.getvalue().strip() == artifact.outputs(TEXTS).texts[0][0]


def test_words_that_stand_for_each_other_are_found() -> None:
    sources = [["the", "house"], ["the", "book"], ["a", "book"], ["a", "house"]]
    targets = [["das", "Haus"], ["das", "Buch"], ["ein", "Buch"], ["ein", "Haus"]]
    assert word_translations(sources, targets) == {"the": "das", "house": "Haus", "book": "Buch", "a": "ein"}
    assert word_translations([[]], [[]]) == {}


def test_a_sentence_of_thousands_of_words_is_left_out_of_the_lexicon() -> None:
    many = [str(number) for number in range(2_000)]
    assert word_translations([many, ["x"]], [many, ["y"]]) == {"x": "y"}


def test_a_sentence_of_ten_thousand_words_is_cut_where_it_is_read_and_left_out_where_it_is_written(
    ran: Callable[..., RunResult],
) -> None:
    read, written = "day opens " * 5_000, "Tag sieht " * 5_000
    more = tuple((f"{read} {at}", "Tag ist Tag") for at in range(3)) + tuple(
        (f"day is {at}", f"{written} {at}") for at in range(3)
    )
    compared = ran(*CONTROLS, "warm-start", more=more)
    assert [(entry.status, entry.note) for entry in compared.entries] == [("done", "")] * 4
    warm = compared.entries[-1].finished
    assert any(
        "rows whose text to be written is longer than the network writes are left out" in note for note in warm.notes
    )
    [said] = warm.predictor.task.predictions(warm.predictor.outputs([read]), [read])
    assert said.truncated
    assert 0 < len(said.text) < 10_000
    for entry in compared.entries[:-1]:
        assert entry.finished.predictor.outputs([read]).texts[0][0]
