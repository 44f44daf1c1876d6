"""Texts that a vocabulary was not made for are told, and English ones of any kind are not taken for such."""

import csv
import gzip
import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from headstart.backbones.location import BackboneSource, locate
from headstart.backbones.tokenizer_files import open_tokenizer
from headstart.corpora.language_fit import LanguageFit, language_fit

GERMAN = [
    "Der Akku hält keinen halben Tag, und niemand antwortet auf meine Nachrichten.",
    "Schnelle Lieferung, gerne wieder!",
]
SAID = {
    "german": GERMAN * 3,
    "spanish": ["La batería no dura ni medio día y nadie contesta mis mensajes.", "Envío rápido, lo compraré otra vez."]
    * 3,
    "french": ["La batterie ne tient pas une demi-journée et personne ne répond à mes messages.", "Livraison rapide."]
    * 3,
    "czech": ["Baterie nevydrží ani půl dne a nikdo mi neodpovídá na zprávy.", "Rychlé dodání, příště znovu."] * 4,
    "russian": ["Батарея не держит и полдня, и никто не отвечает на мои сообщения.", "Быстрая доставка."] * 3,
    "chinese": ["电池用不了半天,没有人回复我的消息。", "送货很快,下次还会买。"] * 3,
    "japanese": ["電池は半日も持たず、誰もメッセージに返事をしません。"] * 3,
}


@pytest.fixture(scope="module")
def mini() -> Tokenizer:
    return open_tokenizer(locate(BackboneSource()).folder, 256, 0).plain


def fit(tokenizer: Tokenizer, texts: list[str]) -> LanguageFit:
    return language_fit(tokenizer, texts, tokenizer.token_to_id("[UNK]"))


@pytest.mark.parametrize("language", SAID)
def test_other_languages_are_told_from_english(language: str, mini: Tokenizer) -> None:
    found = fit(mini, SAID[language])
    assert found.common < 0.02
    assert found.is_strange(only_english=True), found


def test_english_of_any_kind_is_no_other_language(mini: Tokenizer) -> None:
    for texts in (
        ["ngl da new 1D album slaps @harry_xx lol http://t.co/ab #vevo idk what ur on about thats just how it is"] * 3,
        ["Immunohistochemistry of the hepatocellular carcinoma was performed with anti-cytokeratin antibodies in rats."]
        * 4,
        ["PERSONS CHARGED UNDER THE ACT SHALL BE LIABLE TO A FINE NOT EXCEEDING TWO THOUSAND DOLLARS OR MORE."] * 3,
    ):
        found = fit(mini, texts)
        assert found.common > 0.1 and not found.is_strange(only_english=True), found


def test_numbers_are_those_of_a_count_by_hand(mini: Tokenizer) -> None:
    found = fit(mini, ["the cat @someone http://x.org/y Straße 12 das"])
    assert found.words == 4  # the, cat, Straße, das: names, addresses and numbers are words of no language
    assert found.common == 0.25
    assert found.pieces == len(mini.encode("the cat Straße das", add_special_tokens=False).ids) / 4
    assert found.other_letters == 0.0 and not found.is_strange(only_english=True)  # too few words to say anything
    assert fit(mini, ["да"]).other_letters == 1.0
    assert fit(mini, []).words == 0 and not fit(mini, [""]).is_strange(only_english=True)


@pytest.mark.slow
def test_real_sets_are_told_by_their_language(mini: Tokenizer, shared_data: Path) -> None:
    def rows(path: str, column: str) -> list[str]:
        whole = shared_data / path
        with gzip.open(whole, "rt") if whole.suffix == ".gz" else whole.open(newline="") as file:  # type: ignore[operator]
            return [row[column] for row in csv.DictReader(file)][:200]

    for path in (
        "umsab/english_train.csv",
        "sst2/train.csv",
        "ag_news/train.csv.gz",
        "clinc150/train.csv",
        "airline/train.csv.gz",
    ):
        assert not fit(mini, rows(path, "text")).is_strange(only_english=True), path
    for path in ("umsab/german_train.csv", "umsab/spanish_train.csv"):
        assert fit(mini, rows(path, "text")).is_strange(only_english=True), path
        assert fit(mini, rows(path, "text")).is_strange(only_english=False), path
    law = [line for line in (shared_data / "german_law_raw/valid.txt").read_text().split("\n") if line][:200]
    assert fit(mini, law).is_strange(only_english=False)
    tags = (shared_data / "wikiann_de/dev.conll").read_text().split("\n\n")[:200]
    assert fit(mini, [" ".join(line.split()[0] for line in each.split("\n") if line) for each in tags]).is_strange(
        only_english=True
    )
    squad = json.loads((shared_data / "xquad/xquad.es.json").read_text())["data"]
    assert fit(mini, [each["context"] for article in squad for each in article["paragraphs"]][:50]).is_strange(
        only_english=True
    )
