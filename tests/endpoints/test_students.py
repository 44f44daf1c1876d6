"""Students of an endpoint: texts without labels, a teacher behind HTTP, and a small model that needs none of it any more."""

from pathlib import Path
from typing import Any

import pytest
from tests.endpoints.conftest import KEY
from tests.endpoints.faulty import FaultyEndpoint

import headstart
from headstart.errors import HeadstartError
from headstart.recipes.parsing import assemble
from headstart.runs.run import run

WORDS = ("parcel", "shop", "day", "night", "way", "start")
TEXTS = [f"the {a} is {word} and {b}" for word in ("good", "bad") for a in WORDS for b in WORDS]


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "texts.csv"
    path.write_text("text\n" + "".join(f"{text}\n" for text in TEXTS))
    return str(path)


@pytest.fixture
def options(served: FaultyEndpoint, file: str, key_file: str, tiny_backbone: Path, tmp_path: Path) -> dict[str, Any]:
    return {
        "train": file, "strategy": "distillation", "teacher": served.url, "teacher_model": "tiny", "labels": ["good", "bad"],
        "key_file": key_file, "backbone": str(tiny_backbone), "output": str(tmp_path / "run"), "threads": 1, "controls": False,
        "epochs": 1, "refit": False, "budget": None, "folds": 0, "teacher_template": "{text}\nWhich is it:",
    }  # fmt: skip


def test_texts_are_labelled_by_an_endpoint_and_a_small_model_learns_from_them(
    options: dict[str, Any], served: FaultyEndpoint, tmp_path: Path
) -> None:
    found = run(assemble("fit", options))
    assert found.artifact is not None
    said = found.artifact.evidence
    assert said["data"]["labels_by"] and said["data"]["splits"]["train"]["labels"].keys() == {"good", "bad"}
    texts = {
        body["prompt"][0] if isinstance(body["prompt"], list) else body["prompt"]
        for path, body, _ in served.asked
        if "prompt" in body
    }
    assert texts and all("Which is it:" in text for text in texts)
    assert max(served.answered.values()) == 1, "nothing is asked twice"
    assert served.count < 1.2 * len(TEXTS) + 10
    for path in (tmp_path / "run").rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes()
    assert served.asked[-1][2] == f"Bearer {KEY}"
    served.__exit__()
    assert headstart.load(tmp_path / "run").predict(TEXTS[:1])[0].label in ("good", "bad")


def test_the_verb_takes_an_endpoint_as_its_first_argument(options: dict[str, Any], served: FaultyEndpoint) -> None:
    given = {key: value for key, value in options.items() if key not in ("train", "strategy", "teacher")}
    strategy = {key: given.pop(key) for key in ("teacher_model", "key_file", "teacher_template")}
    recipe = assemble("distill", given | strategy | {"teacher": served.url, "texts": options["train"]})
    fit = recipe.fit()  # type: ignore[attr-defined]
    assert fit.strategies[0].teacher == (served.url,) and fit.strategies[0].teacher_model == "tiny"
    shallow = assemble(
        "distill", given | strategy | {"teacher": served.url, "texts": "a.txt", "student_layers": 1, "backbone": "mini"}
    )
    assert shallow.fit().backbone.location == "mini", "an endpoint has no network to cut"  # type: ignore[attr-defined]
    found = run(recipe)
    assert found.artifact is not None and found.artifact.labels == ("good", "bad")
    assert max(served.answered.values()) == 1


def test_a_cap_keeps_what_was_paid_for_and_a_higher_one_goes_on(
    options: dict[str, Any], served: FaultyEndpoint
) -> None:
    with pytest.raises(HeadstartError, match="max-requests|max_requests"):
        run(assemble("fit", options | {"max_requests": 40}))
    assert served.count <= 40
    before = served.answered.copy()
    run(assemble("fit", options | {"overwrite": True}))
    assert max(served.answered.values()) == 1 and sum(before.values()) >= 30, "what was received is not asked for again"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"teacher_model": None}, "name its model with --teacher-model"),
        ({"labels": None}, "name the labels that texts are to be given"),
        ({"teacher": "http://me:secret@localhost:1/v1"}, "teacher"),
        ({"teacher": "http://example.org/v1"}, "https"),
        ({"teacher_template": "no text"}, "has no {text}"),
        ({"dry_run": True}, "a plan asks for nothing"),
        ({"teacher_words": {"good": "bad"}}, "have the same words"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_is(
    changes: dict[str, Any], said: str, options: dict[str, Any], served: FaultyEndpoint
) -> None:
    given = {key: value for key, value in (options | changes).items() if value is not None or key == "budget"}
    with pytest.raises(HeadstartError, match=said) as error:
        run(assemble("fit", given))
    assert served.count == 0 and "secret" not in str(error.value)


def test_labels_that_are_there_are_mixed_with_what_an_endpoint_says(
    options: dict[str, Any], served: FaultyEndpoint, tmp_path: Path
) -> None:
    path = tmp_path / "labelled.csv"
    path.write_text("text,label\n" + "".join(f"{text},{'good' if 'good' in text else 'bad'}\n" for text in TEXTS))
    found = run(assemble("fit", options | {"train": str(path), "teacher_gate": False}))
    assert found.artifact is not None and not found.artifact.evidence["data"].get("labels_by")
    assert 0 < served.count and max(served.answered.values()) == 1
