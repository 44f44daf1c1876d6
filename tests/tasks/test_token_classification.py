"""Token classification: files of every form read exactly, tags that are possible, spans with their places."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from headstart.backbones.base import Encoding, Inputs
from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.data.tokens import Tokens
from headstart.data.units import Units
from headstart.data.windows import WordTokens
from headstart.data.words import joined_words
from headstart.decisions.temperature import Temperature
from headstart.errors import DataError
from headstart.evaluation.judging import chosen_score, scores, scores_by_type, sort_key
from headstart.heads import HEAD
from headstart.readers.opening import open_table
from headstart.tasks.pooled import Prepared
from headstart.tasks.token_classification import TokenClassification

NAMES = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")


def table(rows: list[tuple[Any, Any]], columns: tuple[str, str] = ("tokens", "tags")) -> Table:
    values = [[each if isinstance(each, str) or each is None else json.dumps(each) for each in row] for row in rows]
    found = {name: [row[at] for row in values] for at, name in enumerate(columns)}
    return Table("a.jsonl", found, list(range(1, len(rows) + 1)))


WORDS = [
    (["Ada", "in", "Paris"], ["B-PER", "O", "B-LOC"]),
    (["Ada", "Lovelace"], ["B-PER", "I-PER"]),
    (["in", "New", "York"], ["O", "B-LOC", "I-LOC"]),
    (["it", "rains"], ["O", "O"]),
]


def read(rows: list[tuple[Any, Any]], **fields: Any) -> tuple[TokenClassification, Store[Any]]:
    given = table(rows)
    task = TokenClassification(**fields).guess(given)
    store, dropped = task.parse(given)
    assert dropped == []
    return task.bind(store), store


def sure(task: TokenClassification, tags: list[str], by: float = 8.0) -> np.ndarray:
    """Values that say these tags."""
    return np.eye(len(task.names))[[task.names.index(tag) for tag in tags]] * by


def test_columns_are_found_by_their_usual_names_and_types_by_their_tags() -> None:
    task, store = read(WORDS)
    assert (task.text, task.label) == (("tokens",), "tags")
    assert task.names == NAMES
    assert task.types == ("LOC", "PER")
    assert task.counts(store) == {"PER": 2, "LOC": 2}
    assert task.targets(store).tolist() == [3, 0, 1, 3, 4, 0, 1, 2, 0, 0]
    assert task.units(store).counts.tolist() == [3, 2, 3, 2]
    assert task.units(store.take([3, 0])).counts.tolist() == [2, 3]


def test_text_with_spans_means_the_same_as_words_with_tags() -> None:
    rows = [
        ("Ada in Paris", [[0, 3, "PER"], [7, 12, "LOC"]]),
        ("Ada Lovelace", [[0, 12, "PER"]]),
        ("in New York", [[3, 11, "LOC"]]),
    ]
    given = table(rows, ("text", "label"))
    task = TokenClassification().guess(given)
    store, _ = task.parse(given)
    assert [row.label for row in store.examples] == [tuple(tags) for _, tags in WORDS[:3]]
    assert task.bind(store).names == NAMES


def test_columns_are_found_by_what_is_in_them_and_asked_for_where_nothing_fits() -> None:
    assert TokenClassification().guess(table(WORDS, ("sent", "mine"))).text == ("sent",)
    with pytest.raises(DataError, match=r"no column is called tags, ner_tags.*columns: tokens, mine.*--label"):
        TokenClassification().guess(table([("a b", "x"), ("c", "y")], ("tokens", "mine")))
    with pytest.raises(DataError, match="reads one text column; 2 are named"):
        TokenClassification(text=("tokens", "tags")).guess(table(WORDS, ("tokens", "tags")))
    named = TokenClassification(label="mine").guess(table(WORDS, ("tokens", "mine")))
    assert named.label == "mine"


def test_rows_that_cannot_be_used_are_reported_with_line_and_reason_and_the_others_keep_their_own_tags() -> None:
    rows = [WORDS[0], (["a"], ["O", "O"]), ("", "[]"), (["a"], None), WORDS[1], ("Ada", [[0, 9, "PER"]])]
    given = table(rows)
    store, dropped = TokenClassification().guess(given).parse(given)
    assert [(row.line, row.reason.split(" which")[0]) for row in dropped] == [
        (2, "2 tags for 1 words"),
        (3, "no text"),
        (4, "no label"),
        (6, "the span 0 to 9 (PER) is outside of the text,"),
    ]
    assert store.lines == [1, 5]
    assert [row.label for row in store.examples] == [("B-PER", "O", "B-LOC"), ("B-PER", "I-PER")]


def test_other_schemes_are_told_and_bare_types_converted() -> None:
    plain = table([(["Ada", "L", "in", "Rome"], ["PER", "PER", "O", "LOC"])] * 2)
    task = TokenClassification().guess(plain)
    assert task.parse(plain)[0].get(0).label == ("B-PER", "I-PER", "O", "B-LOC")
    assert task.remarks(plain) == [
        "a.jsonl: tags are in the scheme plain (types alone: neighbours of one type are one span)"
    ]
    assert TokenClassification(scheme="iob2").guess(plain).remarks(table(WORDS)) == []


def test_single_words_with_a_sign_of_their_own_need_no_sign_for_ends() -> None:
    rows = table(
        [(["Nora", "Berg", "left", "Oslo"], row.split()) for row in ("B-PER I-PER O S-LOC", "S-PER O B-LOC I-LOC")]
    )
    task = TokenClassification().guess(rows)
    assert [said for said in task.remarks(rows) if "not possible" in said] == []
    wrong = table(
        [(["Nora", "Berg", "left", "Oslo"], row.split()) for row in ("B-PER I-PER O S-LOC", "S-PER O O I-LOC")]
    )
    assert "1 tags are not possible" in "".join(TokenClassification().guess(wrong).remarks(wrong))


def test_a_type_that_is_called_as_nothing_is_said() -> None:
    rows = table(
        [(["Nora", "Berg", "left", "Oslo"], row.split()) for row in ("PER PER OTHER OTHER", "OTHER OTHER LOC OTHER")]
    )
    said = "".join(TokenClassification().guess(rows).remarks(rows))
    assert "'OTHER' is the type of 5 of 8 words and learnt as any other; write O" in said
    rows = table([(["Nora", "Berg", "left", "Oslo"], row.split()) for row in ("PER PER O O", "OTHER O LOC O")])
    assert "learnt as any other" not in "".join(TokenClassification().guess(rows).remarks(rows))


def test_texts_with_spans_have_no_scheme_to_speak_of() -> None:
    spans = Table("a.jsonl", {"text": ["Ada sang"], "label": ['[[0, 3, "PER"]]']}, [1])
    task = TokenClassification().guess(spans)
    assert task.remarks(spans) == []


def test_other_spellings_are_read_and_said() -> None:
    spelt = table([(["Ada", "L", "in", "Rome"], ["per_b", "per_i", "0", "loc_b"])] * 2)
    task = TokenClassification().guess(spelt)
    assert task.parse(spelt)[0].get(0).label == ("B-per", "I-per", "O", "B-loc")
    assert task.remarks(spelt) == [
        "a.jsonl: tags are read in the scheme iob2: 'per_b' as B-per, 'per_i' as I-per, '0' as O, and so on; --scheme says another"
    ]
    assert TokenClassification(scheme="bmes").scheme == "bioes"


def test_tags_of_two_meanings_are_refused_with_their_line_unless_the_scheme_is_said() -> None:
    odd = table([*WORDS, (["it", "Rome"], ["O", "LOC"])])
    with pytest.raises(
        DataError, match=r"a\.jsonl, line 5: tags can be read in two ways: .*'LOC' does not.*--scheme plain"
    ):
        TokenClassification().guess(odd).parse(odd)
    plain = TokenClassification(scheme="plain").guess(odd)
    assert plain.parse(odd)[0].get(1).label == ("B-B-PER", "B-I-PER")


def test_a_row_for_each_word_is_no_sentence() -> None:
    words = table([(word, tag) for row in WORDS for word, tag in zip(*row, strict=True)], ("word", "tag"))
    with pytest.raises(
        DataError, match=r"each row has one word and its tag; rows have to be sentences.*--format conll"
    ):
        TokenClassification().guess(words).parse(words)


def test_spans_whose_types_say_positions_are_refused() -> None:
    rows = [("Ada Lovelace sang", [[0, 3, "B-PER"], [4, 12, "I-PER"]])] * 3
    given = table(rows, ("text", "label"))
    task = TokenClassification().guess(given)
    with pytest.raises(DataError, match=r"types of spans say positions \(B-PER, I-PER\).*--scheme plain"):
        task.bind(task.parse(given)[0])


def test_columns_of_a_file_without_names_are_those_that_its_reader_found(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text(
        "".join(f"{at}\t{word}\t_\t{tag}\tx\n" for at, (word, tag) in enumerate(zip(*WORDS[0], strict=True))) * 2
    )
    found = open_table(path)
    task = TokenClassification().guess(found)
    assert (task.text, task.label) == (("tokens",), "tags")
    assert task.remarks(found)[0] == (
        f"{path}: has its words in column 2 and tags in column 4 of 5; choose others with --text and --label, by name or number"
    )
    other = TokenClassification(text="column_2", label="5").guess(found)
    assert (other.text, other.label, other.remarks(found)[0][-5:]) == (("tokens",), "column_5", "span)")
    path.write_text("".join(f"{at}\t{word}\t_\n" for at, word in enumerate(WORDS[0][0])) * 2)
    with pytest.raises(
        DataError, match=r"no column looks like tags \(columns: column_1, tokens, column_3; .*by its name or number"
    ):
        TokenClassification().guess(open_table(path))


@pytest.mark.parametrize("between", [" ", ","])
def test_tags_between_blanks_are_found_and_said(between: str) -> None:
    given = table([(" ".join(words), between.join(tags)) for words, tags in WORDS], ("said", "word_labels"))
    task = TokenClassification().guess(given)
    assert (task.text, task.label) == (("said",), "word_labels")
    assert [row.label for row in task.parse(given)[0].examples] == [tuple(tags) for _, tags in WORDS]
    assert task.remarks(given) == [
        f"a.jsonl: tags stand between {'commas' if between == ',' else 'blanks'}, one for each word between the blanks of its text"
    ]


def test_tags_that_are_not_possible_are_named_by_line_and_word() -> None:
    rows = [*WORDS, (["in", "Rome"], ["O", "I-LOC"])]
    [said] = TokenClassification().guess(table(rows)).remarks(table(rows))
    assert said.startswith(
        "a.jsonl: 1 tags are not possible in the scheme iob2 where they stand (line 5, word 2: I-LOC after O)"
    )


def test_a_type_of_one_span_is_refused_with_its_line_and_the_one_that_may_be_meant() -> None:
    rows = [*WORDS, (["Rome"], ["B-LOK"])]
    with pytest.raises(
        DataError, match=r"1 type\(s\) with one span only: 'LOK' \(line 5.*did you mean 'LOC'.*--drop-rare-labels"
    ):
        read(rows)
    task, store = read(rows, drop_rare_labels=True)
    assert task.names == NAMES
    assert task.targets(store)[-1] == 0


def test_a_file_without_spans_and_types_that_were_not_given_are_refused() -> None:
    with pytest.raises(DataError, match="no row has a span, so there is nothing to learn"):
        read([(["it"], ["O"])] * 3)
    with pytest.raises(DataError, match=r"type\(s\) 'PER' are not among those that were given \(LOC\)"):
        read(WORDS, labels=("O", "B-LOC", "I-LOC"))


def test_sentences_with_types_that_training_lacks_are_left_out_and_reported() -> None:
    task, _ = read(WORDS)
    _, other = read([(["IBM"], ["B-ORG"])] * 2 + WORDS)
    kept, dropped = task.known(other)
    assert [(row.line, row.reason) for row in dropped] == [
        (1, "label 'ORG' does not occur in the training rows"),
        (2, "label 'ORG' does not occur in the training rows"),
    ]
    assert len(kept) == 4


def test_parts_get_their_share_of_the_rarest_type() -> None:
    task, store = read([*WORDS, (["Ada"], ["B-PER"])])
    assert task.strata(store) == ["LOC", "PER", "LOC", "O", "PER"]
    assert task.missing(store, [0, 3]) == []
    assert task.missing(store, [1, 4]) == ["LOC"]


def test_perfect_outputs_score_one_and_a_shifted_span_costs_both_ways() -> None:
    task, store = read(WORDS)
    values = sure(task, [tag for _, tags in WORDS for tag in tags])
    right = task.logits(values, store)
    found = scores(task, right, store)
    assert found["f1"].value == found["precision"].value == found["recall"].value == found["macro_f1"].value == 1.0
    assert found["log_loss"].value < 0.01
    changed = values.copy()
    changed[7] = sure(task, ["O"])[0]  # New York becomes New
    wrong = task.logits(changed, store)
    assert scores(task, wrong, store)["f1"].value == pytest.approx(2 * 3 / (4 + 4))
    types = scores_by_type(task, wrong, store)
    assert {name: (score.value, score.n) for name, score in types.items()} == {"LOC": (0.5, 2), "PER": (1.0, 2)}
    assert sort_key(task, right, store) > sort_key(task, wrong, store)
    assert chosen_score(task, wrong, store).value == scores(task, wrong, store)["f1"].value
    [mistake] = task.mistakes(wrong, store, 5)
    assert (mistake.row, mistake.label, mistake.predicted) == (2, "LOC: New York", "LOC: New")
    assert task.mistakes(right, store, 5) == []


def test_a_tag_that_could_not_stand_there_never_comes_out() -> None:
    task, _ = read(WORDS)
    logits = np.zeros((3, 5))
    logits[0, 0] = 5  # O, then I-PER: impossible
    logits[1, 4], logits[1, 3] = 3, 2.9
    logits[2, 2], logits[2, 4] = 3, 2.5  # I-LOC behind a person
    [said] = task.predictions(Logits.of(logits, Units.counted([3])), [joined_words(["Then", "Ada", "Lovelace"])])
    assert said.tags == ("O", "B-PER", "I-PER")
    assert [(each.start, each.end, each.text) for each in said.entities] == [(5, 17, "Ada Lovelace")]


def test_entities_have_their_places_in_the_text_as_it_was_given() -> None:
    task, _ = read(WORDS)
    text = "  Ada\tLovelace, in  Paris."
    words = task.checked(0, text)
    assert words.words == ("Ada", "Lovelace", ",", "in", "Paris", ".")
    logits = sure(task, ["B-PER", "I-PER", "O", "O", "B-LOC", "O"])
    [said] = task.predictions(Logits.of(logits, Units.counted([6])), [words])
    assert [(text[each.start : each.end], each.type) for each in said.entities] == [
        ("Ada\tLovelace", "PER"),
        ("Paris", "LOC"),
    ]
    assert all(0.99 < each.score <= 1 for each in said.entities)
    plain = said.plain()
    assert json.loads(json.dumps(plain)) == plain | {"words": list(words.words), "tags": list(said.tags)}
    prediction, entities = said.cells()
    assert json.loads(prediction) == list(said.tags)
    assert json.loads(entities)[1]["text"] == "Paris"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3, "input 4 is .*, expected a text or a list of words"),
        (["a", ""], "expected a text or a list of words"),
        (" ", "has no words"),
    ],
)
def test_input_that_is_no_sentence_is_refused(given: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        TokenClassification().checked(4, given)


def test_cells_and_lines_become_words_and_empty_ones_nothing() -> None:
    task = TokenClassification()
    assert task.input_of(['["a", "b"]']).words == ("a", "b")  # type: ignore[union-attr]
    assert task.input_of(["a b."]).words == ("a", "b", ".")  # type: ignore[union-attr]
    assert task.input_of([" "]) is None
    assert task.input_of([None]) is None


def test_losses_are_means_over_the_words_of_each_sentence_and_calibration_sharpens() -> None:
    task, store = read(WORDS)
    right = task.logits(sure(task, [tag for _, tags in WORDS for tag in tags], by=1.0), store)
    losses = task.losses(right, store)
    expected = -np.log(np.e / (np.e + 4))
    np.testing.assert_allclose(losses, [expected] * 4)
    assert Temperature().fit(task, right, store).value > 5
    assert scores(task, right, store)["log_loss"].value == pytest.approx(expected)


class Words(torch.nn.Module):
    """Stands for a network: what each token is, as a vector."""

    def encode(self, inputs: Inputs) -> Encoding:
        assert inputs.ids is not None
        return Encoding(torch.nn.functional.one_hot(inputs.ids, 8).float(), inputs.mask, (), inputs.spans)


def test_the_chain_is_told_which_words_make_a_sentence_in_whatever_windows_they_are_read() -> None:
    task, _ = read(WORDS, crf=True)
    model = Words()
    torch.manual_seed(0)
    heads = task.heads(SimpleNamespace(depth=1, poolings=("first",), hidden_size=8), dropout=0.0)
    model.heads = torch.nn.ModuleDict(heads)
    chain = heads[HEAD].chain
    chain.set(torch.randn(5, 5) * 2)
    # The first sentence has words 1 to 4, read in two windows that overlap; the second one word.
    windows = Tokens(np.array([1, 2, 3, 2, 3, 4, 5], dtype=np.int32), np.array([0, 3, 6, 7]), np.zeros(3))
    spans = np.array([[0, 0, 1], [0, 1, 2], [1, 1, 2], [1, 2, 3], [2, 0, 1]])
    tokens = WordTokens(windows, Units.counted([2, 1]), Units.counted([4, 1]), spans, np.zeros(2, dtype=np.int32))
    prepared = Prepared(tokens, np.array([1, 2, 0, 3, 0]), np.ones(5))
    batch = task.collate(prepared, np.array([1, 0]), 0)
    assert batch["counts"].tolist() == [1, 4]
    vectors = torch.nn.functional.one_hot(torch.tensor([5, 1, 2, 3, 4]), 8).float()
    scores = heads[HEAD].linear(vectors)
    loss, count = task.loss(model, batch)  # type: ignore[arg-type]
    targets, counts = torch.tensor([0, 1, 2, 0, 3]), torch.tensor([1, 4])
    torch.testing.assert_close(loss, chain.loss(scores, targets, counts))
    assert count == 5
    torch.testing.assert_close(task.forward(model, batch), scores)  # type: ignore[arg-type]
    with torch.inference_mode():
        outputs = task.read(model, batch)  # type: ignore[arg-type]
        torch.testing.assert_close(torch.from_numpy(outputs.values), chain(scores, counts))
    assert outputs.units is not None and outputs.units.counts.tolist() == [1, 4]
    assert read(WORDS)[0].heads(SimpleNamespace(depth=1, poolings=("first",), hidden_size=8))[HEAD].chain is None


@pytest.mark.parametrize("name", ["a.conll", "a.csv", "a.tsv", "a.words"])
def test_a_file_without_empty_lines_is_told_what_it_lacks(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("Edda B-PER\nsang O\n. O\nOslo B-LOC\nslept O\n. O\n" * 10)
    with pytest.raises(
        DataError, match=r"no empty line parts sentences.* put (one|an empty line) behind the last word"
    ):
        TokenClassification(text="tokens", label="tags").parse(open_table(path))
    path.write_text("Edda B-PER\nsang O\nin O\nOslo B-LOC\n. O\n")
    assert len(TokenClassification(text="tokens", label="tags").parse(open_table(path, format="conll"))[0]) == 1
