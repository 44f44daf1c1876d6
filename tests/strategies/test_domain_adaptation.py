"""Domain adaptation: the gate lets through what gains, and nothing else; test sentences are not learnt from."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from headstart.data.examples import Example
from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import RecipeError
from headstart.objectives.masked_lm import MaskedLM
from headstart.recipes.parsing import assemble
from headstart.recipes.sources import MEMORY
from headstart.runs.comparison import compare
from headstart.runtime.progress import SILENT
from headstart.strategies.base import Context
from headstart.strategies.domain_adaptation import DomainAdaptation
from headstart.strategies.feature_extraction import FeatureExtraction
from headstart.strategies.gate import judged
from headstart.tasks.text_classification import TextClassification
from headstart.training.settings import Training

LABELS = ["down", "up"] * 100


def bound() -> tuple[Any, Any]:
    examples = [Example(f"text {at}", label) for at, label in enumerate(LABELS)]
    store = Store(examples, list(range(len(examples))), "toy")
    task = TextClassification(text=("text",), label="label", metric="accuracy").bind(store)
    return task, SimpleNamespace(task=task, validation=store, folds=None, seed=0)


def candidate(right: float, sure: float, seed: int) -> Any:
    """Logits that point to the right label in a share of the rows."""
    random = np.random.default_rng(seed)
    targets = np.array([label == "up" for label in LABELS])
    signs = np.where(random.permutation(len(LABELS)) < right * len(LABELS), 1.0, -1.0) * np.where(targets, 1, -1)
    scores = signs * sure * random.uniform(0.5, 1.5, len(LABELS))
    return SimpleNamespace(validation=Logits.of(np.stack([-scores, scores], 1).astype(np.float32)))


def test_a_clear_gain_is_kept_and_the_difference_is_told() -> None:
    _, context = bound()
    kept, said = judged(context, [candidate(0.95, 2, 0)], [candidate(0.75, 1, 0)], "adaptation")
    assert kept
    assert said.startswith("kept: on validation accuracy +0.200 [")
    assert "1 pair of fits on 200 rows" in said


def test_luck_is_refused() -> None:
    _, context = bound()
    kept, said = judged(context, [candidate(0.76, 1, 1)], [candidate(0.75, 1, 2)], "adaptation")
    assert not kept
    assert said.startswith("refused: on validation accuracy +0.010")
    assert "within noise" in said


def test_harm_is_refused() -> None:
    _, context = bound()
    assert not judged(context, [candidate(0.6, 1, 0)], [candidate(0.9, 1, 0)], "adaptation")[0]


def test_surer_answers_are_no_gain_where_more_of_them_are_wrong() -> None:
    _, context = bound()
    with_, without = candidate(0.93, 5, 0), candidate(0.95, 5, 0)
    # Unsure where it is right, so that its losses are larger though fewer answers are wrong.
    without.validation.values = without.validation.values * np.where(np.arange(200) % 2, 0.01, 1.0)[:, None].astype(
        np.float32
    )
    assert not judged(context, [with_], [without], "adaptation")[0]


def rows() -> Table:
    words = ["good", "bad", "shop", "day", "night", "parcel", "nine"]
    texts = [f"{'good' if at % 2 else 'bad'} {words[at % 7]} {words[at % 5]} {at}" for at in range(80)]
    columns = {"text": texts, "label": [("down", "up")[at % 2] for at in range(80)]}
    return Table(MEMORY, columns, list(range(1, 81)))


@pytest.fixture
def ran(tiny_backbone: Path, tmp_path: Path) -> Callable[..., Any]:
    def run(**options: Any) -> Any:
        given = {
            "train": MEMORY, "backbone": str(tiny_backbone), "strategy": "domain-adaptation", "then": "feature-extraction",
            "controls": False, "threads": 1, "folds": 0, "validation_share": 0.3, "test_share": 0.2, "text_updates": 6,
        }  # fmt: skip
        return compare(assemble("fit", given | options), SILENT, rows())

    return run


def test_without_a_gate_the_adapted_network_is_the_model(ran: Callable[..., Any], tiny_backbone: Path) -> None:
    from safetensors.torch import load_file

    found = ran(gate=False)
    weights = found.chosen.finished.predictor.model.backbone.network.state_dict()
    before = load_file(tiny_backbone / "model.safetensors")
    name = "encoder.layer.0.attention.self.query.weight"
    assert not np.array_equal(weights[name].numpy(), before[name].numpy())
    assert found.chosen.finished.description.startswith("adapted; ")
    resolved = found.artifact.recipe["strategy"]
    assert resolved["text_updates"] == 6
    assert resolved["objective"]["name"] == "simcse"  # the bare encoder has no head over words


def test_what_the_gate_refuses_leaves_the_network_as_it_was(ran: Callable[..., Any], tiny_backbone: Path) -> None:
    from safetensors.torch import load_file

    found = ran(text_learning_rate=1e-9)
    assert found.chosen.finished.description.startswith("adaptation refused; ")
    weights = found.chosen.finished.predictor.model.backbone.network.state_dict()
    before = load_file(tiny_backbone / "model.safetensors")
    assert all(np.array_equal(weights[name].numpy(), before[name].numpy()) for name in weights if name in before)
    resolved = found.artifact.recipe["strategy"]
    assert (resolved["texts"], resolved["own_texts"]) == ([], False)


def test_files_are_learnt_from_without_the_sentences_of_the_test_rows(ran: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "domain.txt"
    tested = "the shop opens at nine on monday night"
    path.write_text("".join(f"a good day and a bad night to you {at} .\n" for at in range(80)) + f"{tested}\n")
    test = tmp_path / "test.csv"
    test.write_text(f"text,label\n{tested},up\ngood shop,up\nbad shop,down\n")
    found = ran(gate=False, objective="masked-lm", texts=str(path), test=str(test), test_share=None)
    [note] = [note for note in found.chosen.finished.notes if "updates on" in note]
    assert "1 sentences of evaluation sets taken out" in note
    assert "tokens per word (general English" in note


def test_where_validation_is_small_the_gate_judges_by_folds_of_the_training_rows(ran: Callable[..., Any]) -> None:
    found = ran(text_learning_rate=1e-9)
    [said] = [note for note in found.chosen.finished.notes if note.startswith("refused")]
    assert "in cross-validation" in said
    rows = len(found.chosen.finished.validation.values)
    held = ran(text_learning_rate=1e-9, gate_folds=0)
    [said] = [note for note in held.chosen.finished.notes if note.startswith("refused")]
    assert f"on validation accuracy +0.000 [+0.000, +0.000], log-loss {0:+.4f}" in said.replace("-0.0000", "+0.0000")
    assert f"on {rows} rows" in said
    # Either way the model is fitted on the run's own parts.
    assert np.allclose(held.chosen.finished.validation.values, found.chosen.finished.validation.values)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"then": "tf-idf"}, "tf-idf gains nothing from an adapted network"),
        ({"then": "domain-adaptation"}, "domain-adaptation gains nothing"),
        ({"objective": "contrastive"}, "'contrastive' learns from labels"),
        ({"gate_folds": 1}, "one fold leaves no rows to learn from"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], message: str, ran: Callable[..., Any]) -> None:
    with pytest.raises(RecipeError, match=message):
        ran(**options)


def test_the_adapted_network_is_a_folder_that_is_gone_when_all_is_done(
    ran: Callable[..., Any], tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    from safetensors.torch import load_file

    from headstart.backbones.base import open_backbone
    from headstart.backbones.location import BackboneSource, Located, locate
    from headstart.strategies.feature_extraction import FeatureExtraction

    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    seen: list[Located] = []
    weights: list[dict[str, Any]] = []
    fit = FeatureExtraction.fit

    def noted(self: FeatureExtraction, context: Any) -> Any:
        seen.append(context.located)
        weights.append(load_file(context.located.folder / "model.safetensors"))
        return fit(self, context)

    monkeypatch.setattr(FeatureExtraction, "fit", noted)
    found = ran(gate=False)
    [adapted], before = seen, locate(BackboneSource(location=str(tiny_backbone)))
    assert adapted.folder.is_relative_to(tmp_path / "scratch")
    assert adapted.source.digest != before.source.digest
    # States and tokens are looked up by what they depend on: the same texts have the same tokens, under the same key.
    assert adapted.config == before.config
    backbone, own = found.chosen.finished.predictor.backbone, open_backbone(before)
    assert backbone.tokenizer.max_length == own.tokenizer.max_length
    assert backbone.tokenizer._tokenizer.to_str() == own.tokenizer._tokenizer.to_str()
    kept = backbone.network.state_dict()
    assert kept.keys() == weights[0].keys()
    assert all(np.array_equal(kept[name].numpy(), value.numpy()) for name, value in weights[0].items())
    assert not list((tmp_path / "scratch").iterdir())
    folder = found.artifact.save(tmp_path / "run")
    settings = (folder / "network" / "tokenizer_config.json").read_text()
    assert '"mask_token": "[MASK]"' in settings, "what came beside the tokenizer is handed on though the folder is gone"


def test_the_passes_over_raw_text_are_forecast_by_its_length(tmp_path: Path) -> None:
    file = tmp_path / "few.txt"
    file.write_text("a" * 9_000)
    train = Store([Example("a" * 100)] * 45, list(range(45)), "a.csv")
    context = Context(
        TextClassification(text=("text",), label="label", labels=("x", "y")), train, train, None, Training(), 0
    )
    options: dict[str, Any] = {"gate": False, "then": FeatureExtraction(), "texts": (str(file),)}

    def passes(**more: Any) -> float:
        return DomainAdaptation(**options | more).work(context).training - FeatureExtraction().work(context).training

    # 2,000 tokens are 8 updates of 250, in 20 passes, each sentence twice; the training rows have 1,000 tokens.
    assert passes(own_texts=False) == pytest.approx(2 * 20 * 2)
    assert passes(own_texts=True) == pytest.approx(2 * 20 * 3)
    assert passes(own_texts=False, objective=MaskedLM()) == pytest.approx(20 * 2)
    assert passes(own_texts=False, text_updates=4) == pytest.approx(2 * 4 * 250 / 1000)
    file.write_text("a" * 90_000_000)
    assert passes(own_texts=False) == pytest.approx(2 * 2000 * 4096 / 1000)
