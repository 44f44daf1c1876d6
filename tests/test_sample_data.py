"""The sample data in examples/feedback: its form, its variety, and how hard it is for a bag of words."""

import csv
import re
import unicodedata
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_union
from threadpoolctl import threadpool_limits  # a requirement of scikit-learn

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "feedback"
COLUMNS = ["text", "sentiment", "product", "channel", "customer_age_group"]
SENTIMENTS = {"positive", "negative", "neutral"}
METADATA = COLUMNS[2:]

Rows = list[dict[str, str]]


@cache
def _read(name: str) -> Rows:
    with open(FOLDER / f"{name}.csv", encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _all_rows() -> Rows:
    return _read("train") + _read("test")


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*", unicodedata.normalize("NFKC", text).lower())


def _cramers_v(first: list[str], second: list[str]) -> float:
    rows, row_of = np.unique(first, return_inverse=True)
    columns, column_of = np.unique(second, return_inverse=True)
    table = np.zeros((len(rows), len(columns)))
    np.add.at(table, (row_of, column_of), 1)
    expected = table.sum(1, keepdims=True) * table.sum(0, keepdims=True) / table.sum()
    chi_square = ((table - expected) ** 2 / expected).sum()
    return float(np.sqrt(chi_square / table.sum() / (min(table.shape) - 1)))


def _most_similar_pair(vectorizer: CountVectorizer, texts: list[str]) -> tuple[float, str, str]:
    """The greatest Jaccard similarity of the sets of terms of two different texts, and those texts."""
    sets = vectorizer.fit_transform(texts).astype(np.float32)
    common = (sets @ sets.T).toarray()
    sizes = common.diagonal()
    similarity = common / np.maximum(sizes[:, None] + sizes[None, :] - common, 1)
    np.fill_diagonal(similarity, 0)
    first, second = np.unravel_index(similarity.argmax(), similarity.shape)
    return float(similarity[first, second]), texts[first], texts[second]


@pytest.mark.parametrize("name", ["train", "test"])
def test_each_file_has_the_documented_columns_and_form(name: str) -> None:
    raw = (FOLDER / f"{name}.csv").read_bytes()
    assert b"\r" not in raw
    assert not raw.startswith(b"\xef\xbb\xbf")
    header, *body = csv.reader(raw.decode("utf-8").splitlines(keepends=True), strict=True)
    assert header == COLUMNS
    assert all(len(record) == len(COLUMNS) for record in body)
    assert all(value and value == value.strip() for record in body for value in record)


def test_there_are_at_least_600_rows() -> None:
    assert len(_all_rows()) >= 600
    assert len(_read("test")) >= 150


@pytest.mark.parametrize("name", ["train", "test"])
def test_the_three_sentiments_are_mixed_alike_in_both_files(name: str) -> None:
    rows = _read(name)
    counts = Counter(row["sentiment"] for row in rows)
    assert set(counts) == SENTIMENTS
    for sentiment, share in {"positive": 0.34, "negative": 0.36, "neutral": 0.30}.items():
        assert abs(counts[sentiment] / len(rows) - share) < 0.04, sentiment


@pytest.mark.parametrize("column", METADATA)
def test_the_metadata_does_not_give_the_label_away(column: str) -> None:
    rows = _all_rows()
    assert _cramers_v([row[column] for row in rows], [row["sentiment"] for row in rows]) < 0.2
    for value in {row[column] for row in rows}:
        assert {row["sentiment"] for row in rows if row[column] == value} == SENTIMENTS, value


def test_the_metadata_has_the_documented_values() -> None:
    rows = _all_rows()
    assert len({row["product"] for row in rows}) == 8
    assert {row["channel"] for row in rows} == {"email", "chat", "review", "social", "phone"}
    assert {row["customer_age_group"] for row in rows} == {"18-29", "30-44", "45-59", "60+"}


def test_no_five_word_pattern_is_behind_more_than_five_rows() -> None:
    rows_of: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for number, row in enumerate(_all_rows()):
        words = _words(row["text"])
        for start in range(len(words) - 4):
            rows_of[tuple(words[start : start + 5])].add(number)
    assert {pattern: len(rows) for pattern, rows in rows_of.items() if len(rows) > 5} == {}


def test_no_more_than_five_rows_begin_or_end_alike() -> None:
    words = [_words(row["text"]) for row in _all_rows()]
    openings = Counter(tuple(each[:3]) for each in words)
    endings = Counter(tuple(each[-3:]) for each in words)
    assert [opening for opening, count in openings.items() if count > 5] == []
    assert [ending for ending, count in endings.items() if count > 5] == []


def test_no_text_occurs_twice_whatever_its_case_and_punctuation() -> None:
    texts = Counter("".join(_words(row["text"])).replace("'", "").replace("’", "") for row in _all_rows())
    assert [text for text, count in texts.items() if count > 1] == []


def test_no_two_texts_share_half_of_their_character_sequences() -> None:
    texts = [" ".join(_words(row["text"])) for row in _all_rows()]
    vectorizer = CountVectorizer(analyzer="char", ngram_range=(5, 5), binary=True)
    similarity, first, second = _most_similar_pair(vectorizer, texts)
    assert similarity < 0.5, (first, second)


def test_no_two_texts_share_most_of_their_words() -> None:
    texts = [row["text"] for row in _all_rows()]
    vectorizer = CountVectorizer(analyzer=_words, binary=True)
    similarity, first, second = _most_similar_pair(vectorizer, texts)
    assert similarity < 0.6, (first, second)


def test_a_bag_of_words_learns_something_but_far_from_everything() -> None:
    train, test = _read("train"), _read("test")
    features = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
    )
    train_features = features.fit_transform([row["text"] for row in train])
    search = GridSearchCV(
        LogisticRegression(max_iter=1000),
        {"C": [0.1, 1.0, 10.0, 100.0]},
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
    )
    with threadpool_limits(1):  # on a busy machine, two threads wait for each other for a minute
        search.fit(train_features, [row["sentiment"] for row in train])
        predicted = search.predict(features.transform([row["text"] for row in test]))
    accuracy = accuracy_score([row["sentiment"] for row in test], predicted)
    assert 0.55 <= accuracy <= 0.80, accuracy
