"""Columns that are in other languages than they are said to be in."""

from headstart.data.table import Table
from headstart.tasks.translation import Translation

ENGLISH = [
    "A man is on the street.",
    "The dog and the cat are there.",
    "She has a book in her hand.",
    "This is not for you.",
] * 5
GERMAN = [
    "Ein Mann ist auf der Straße.",
    "Der Hund und die Katze sind dort.",
    "Sie hat ein Buch in der Hand.",
    "Das ist nicht für sie.",
] * 5
FRENCH = [
    "Un homme est dans la rue.",
    "Le chien et le chat sont là.",
    "Elle a un livre dans la main.",
    "Ce n'est pas pour vous.",
] * 5


def said(source: list[str], target: list[str], *names: str, languages: tuple[str, str] = ("en", "de")) -> list[str]:
    names = names or ("source", "target")
    table = Table("pairs.csv", dict(zip(names, (source, target), strict=True)), [*range(2, 2 + len(source))])
    task = Translation(source_language=languages[0], target_language=languages[1])
    return task.guess(table).remarks(table)


def test_texts_in_their_languages_are_passed_over() -> None:
    assert said(ENGLISH, GERMAN) == []
    assert said(["12", "Bus"], ["13", "Taxi"]) == []
    assert said(ENGLISH, GERMAN, languages=("en", "yo")) == [], "nothing is known of the words of Yoruba"


def test_languages_that_are_swapped_are_said_with_what_to_say_instead() -> None:
    assert said(GERMAN, ENGLISH) == [
        "pairs.csv: the languages are swapped: 'source' is in German (de) and 'target' in English (en) (20 and 20 of 20 rows looked "
        "at); say --text target --reference source to translate into German (de), --source-language de --target-language en to "
        "translate into English (en)"
    ]
    [remark] = said(GERMAN, ENGLISH, "en", "de")
    assert remark.endswith("say --text de --reference en to translate into German (de)")


def test_a_third_language_is_named() -> None:
    assert said(ENGLISH, FRENCH) == [
        "pairs.csv: 'target' seems to be in French (fr), not in German (de); say --target-language fr if so"
    ]


def test_single_rows_in_the_wrong_language_are_counted_with_their_lines() -> None:
    mixed = [*GERMAN[:18], "The dog is on the street.", "Собака на улице"]
    assert said(ENGLISH, mixed) == [
        "pairs.csv: 'target' is in English (en) or in another script in 2 of 20 rows looked at (lines 20, 21); a model learns to write "
        "what it is shown"
    ]
    [remark] = said(["一个男人"] * 20, ["一个男人在街上"] * 20, languages=("en", "zh"))
    assert "'source' is in Chinese (zh) or another script, not in English (en) (20 of 20 rows" in remark
