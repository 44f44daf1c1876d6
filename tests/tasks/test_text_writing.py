"""Tasks that write: columns, references, scores and what is doubtful."""

import numpy as np
import pytest

from headstart.data.outputs import Generated
from headstart.data.table import Table
from headstart.errors import DataError, UsageError
from headstart.evaluation.judging import scores
from headstart.tasks.summarization import Summarization
from headstart.tasks.text_to_text import TextToText
from headstart.tasks.translation import Translation
from headstart.tasks.written_texts import doubts_of


def table(**columns: list[str | None]) -> Table:
    count = len(next(iter(columns.values())))
    return Table("pairs.csv", columns, list(range(2, 2 + count)))


@pytest.mark.parametrize(
    ("columns", "text", "label"),
    [
        (["id", "source", "target"], "source", "target"),
        (["summary", "article"], "article", "summary"),
        (["instruction", "response"], "instruction", "response"),
        (["one", "two"], "one", "two"),
    ],
)
def test_columns_are_found_by_usual_names_or_are_the_first_two(columns: list[str], text: str, label: str) -> None:
    task = TextToText().guess(table(**{name: ["x", "y"] for name in columns}))
    assert (task.text, task.label, task.reference) == ((text,), label, (label,))


def test_columns_may_be_called_as_their_languages_are() -> None:
    given = table(de=["x"], en=["y"])
    both = Translation(source_language="en", target_language="de").guess(given)
    assert (both.text, both.label) == (("en",), "de")
    assert Translation(target_language="de").guess(given).text == ("en",)
    assert Translation().guess(given).text == ("de",)


def test_one_column_is_too_few() -> None:
    with pytest.raises(DataError, match="has one column only \\(text\\); a text and what is to be written"):
        TextToText().guess(table(text=["x"]))


def test_several_references_count_and_rows_without_any_are_reported() -> None:
    given = table(src=["a", "b", None, "d"], r1=["x", None, "z", " "], r2=["y", "w", "v", None])
    task = TextToText(reference=("r1", "r2")).guess(given)  # type: ignore[arg-type]
    found, dropped = task.parse(given)
    assert [(each.text, each.label) for each in found.examples] == [("a", ("x", "y")), ("b", ("w",))]
    assert [(row.line, row.reason) for row in dropped] == [(4, "no text"), (5, "no text to be written")]
    found, _ = task.parse(given, labelled=False)
    assert [each.text for each in found.examples] == ["a", "b", "d"]


def test_scores_are_those_of_the_best_text_beside_all_references() -> None:
    given = table(source=["a", "b"], target=["the cat sat on the mat", "a dog runs"])
    task = Translation().guess(given)
    rows, _ = task.parse(given)
    outputs = Generated.of(["the cat sat on the mat", "a dog"])
    found = scores(task.bind(rows), outputs, rows)
    assert found["bleu"].value == pytest.approx(100 * np.exp(1 - 9 / 8), abs=0.01), (
        "all words are right, one is missing"
    )
    assert found["chrf"].value == pytest.approx(83.76, abs=0.01)
    assert Summarization().revised(text=("source",), label="target", reference=("target",)).chosen_metric == "rouge_l"
    assert [(each.row, each.predicted) for each in task.mistakes(outputs, rows, 9)] == [(1, "a dog")]


@pytest.mark.parametrize(
    ("code", "tokenize"), [("zh", "zh"), ("zh_CN", "zh"), ("ja", "char"), ("de", "13a"), (None, "13a")]
)
def test_words_are_cut_by_the_language_that_is_written(code: str | None, tokenize: str) -> None:
    assert Translation(target_language=code).tokenize == tokenize


def test_what_is_doubtful_is_said() -> None:
    ordinary = "a man rides a bike in the street"
    assert doubts_of(ordinary, "ein Mann fährt mit dem Rad", ended=True, may_copy=False) == ()
    assert doubts_of(ordinary, ordinary, ended=True, may_copy=False) == ("copies its input",)
    assert doubts_of(ordinary, ordinary, ended=True, may_copy=True) == ()
    assert doubts_of(ordinary, "in in in der", ended=True, may_copy=False) == ("repeats itself",)
    assert doubts_of(ordinary, "auf der auf der auf der", ended=True, may_copy=False) == ("repeats itself",)
    assert doubts_of(ordinary, "auf der Bank auf der Wiese", ended=False, may_copy=False) == ("hit the limit",)
    assert doubts_of(ordinary, " ", ended=True, may_copy=False) == ("empty",)
    assert doubts_of("yes", " ".join(map(str, range(16))), ended=True, may_copy=False) == ("far longer than its input",)


@pytest.mark.parametrize(
    ("given", "written", "expected"),
    [
        ("A man rides his bike.", "A man rides the bike in the street.", ("wrong language",)),
        ("A man rides his bike.", "Мужчина едет на велосипеде.", ("wrong language",)),
        ("A man rides his bike.", "Ein Mann fährt auf der Straße Rad.", ()),
        ("12:30 - 14:00 | 15:00 - 16:00 !", "12:30 - 14:00 | 15:00 - 16:00 !", ()),
        ("! ! ! ! ! !", "! ! ! ! ! !", ()),
        ("Anna Karenina", "Anna Karenina", ()),
        ("dog dog dog", "Hund Hund Hund", ()),
        ("A man rides  his bike.", "a man rides his bike.", ("copies its input",)),
        ("A man is walking with his dog in the park by the river.", "Ein Mann", ("far shorter than its input",)),
        ("A man is walking with his dog.", "Ein Mann", ()),
    ],
)
def test_doubts_know_the_languages(given: str, written: str, expected: tuple[str, ...]) -> None:
    assert Translation(source_language="en", target_language="de").doubts(given, written, ended=True) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("一个男人骑着自行车沿着街道走", ()),
        ("哈哈哈", ()),
        ("男人男人男人", ("repeats itself",)),
        ("的的的的的的", ("repeats itself",)),
        ("A man rides a bike.", ("wrong language",)),
        ("人" + "一二三四五六七八九十" * 4, ("far longer than its input",)),
    ],
)
def test_doubts_know_scripts_that_set_no_blanks(written: str, expected: tuple[str, ...]) -> None:
    task = Translation(source_language="en", target_language="zh")
    assert task.doubts("A man rides a bike in the street", written, ended=True) == expected


def test_a_sentence_of_ten_thousand_words_takes_no_square_of_them() -> None:
    numbers = " ".join(map(str, range(10_000)))
    assert doubts_of(numbers, numbers + " a", ended=True, may_copy=False) == ()
    assert doubts_of("x", "a " * 10_000, ended=True, may_copy=False) == ("repeats itself", "far longer than its input")


def test_a_code_that_stands_for_no_language_is_refused() -> None:
    with pytest.raises(ValueError, match="'german' is no code of a language; did you mean 'de'"):
        Translation(target_language="german")


def test_more_texts_than_are_followed_are_refused() -> None:
    with pytest.raises(UsageError, match="9 texts are asked for and 4 are followed; raise --beams to 9"):
        _ = TextToText(best=9).decoding


def test_rows_that_say_the_same_on_both_sides_are_named() -> None:
    given = table(en=["a", "b", "c"], de=["a", "b", "z"])
    assert Translation().guess(given).remarks(given) == [
        "pairs.csv: 2 of 3 rows say the same on both sides; were they ever translated?"
    ]
    assert TextToText().guess(given).remarks(given) == []


def test_a_prediction_has_all_texts_with_their_scores() -> None:
    outputs = Generated(
        np.zeros(1, bool),
        [("ja", "nein")],
        np.array([[-0.5, -1.0]], np.float32),
        np.ones(1, bool),
        np.zeros(1, np.float32),
    )
    [said] = TextToText().predictions(outputs, ["yes"])
    assert said.plain()["text"] == "ja"
    assert said.plain()["others"] == [{"text": "nein", "score": pytest.approx(0.3679, abs=1e-4)}]
    assert len(said.cells()) == len(TextToText().columns)
