"""Prompts: what stands where, words of labels, templates that do not fit."""

import pytest

from headstart.data.prompts import NUMBERED, USUAL, Prompt, Shot, bare, number_words, template_fault, verbalized
from headstart.errors import DataError


def test_a_prompt_is_instruction_examples_with_their_answers_and_the_text() -> None:
    prompt = Prompt("Say: {text}\nGood or bad?", ("bad", "good"), "Choose {labels}.")
    shots = [Shot("fine", 1), Shot("{text} {odd}", 0)]
    assert prompt.whole("so {labels} so", shots) == (
        "Choose bad or good.\n\nSay: fine\nGood or bad? good\n\nSay: {text} {odd}\nGood or bad? bad\n\nSay: so {labels} so\nGood or bad?"
    )
    assert Prompt("{first} / {second}", ("a", "b")).whole(("one", "two")) == "one / two"
    assert (Prompt("{text}", ("a",)).listed, Prompt("{text}", ("a", "b", "c")).listed) == ("a", "a, b or c")


def test_as_a_conversation_the_system_instructs_a_user_asks_and_the_assistant_answers() -> None:
    from headstart.data.dialogues import Turn

    prompt = Prompt("{text}?", ("bad", "good"), "Choose {labels}.", chat=True)
    assert prompt.dialogue("b", [Shot("a", 1)]) == (
        Turn("system", "Choose bad or good."), Turn("user", "a?"), Turn("assistant", "good"), Turn("user", "b?"),
    )  # fmt: skip
    assert Prompt("{text}?", ("bad", "good")).dialogue("b") == (Turn("user", "b?"),)
    assert (bare(prompt).chat, bare(prompt).instruction, bare(prompt).template) == (True, "", "")


def test_an_answer_that_is_the_beginning_of_another_gets_an_end() -> None:
    assert Prompt("{text}", ("good", "bad")).answers == (" good", " bad")
    assert Prompt("{text}", ("sci", "sci tech")).answers == (" sci\n", " sci tech\n")


def test_words_are_the_labels_names_or_those_that_are_given() -> None:
    assert verbalized(["sci_tech", "B"], None) == ("sci tech", "B")
    assert verbalized(["sci_tech", "B"], {"B": "  broken  thing "}) == ("sci tech", "broken thing")
    for labels, given, said in (
        (["up", "down"], {"dwon": "x"}, "there is no label 'dwon'; did you mean 'down'"),
        (["a_b", "a b"], None, "the labels 'a_b' and 'a b' have the same words, 'a b'"),
        (["up", "_"], None, "the label '_' has no words"),
    ):
        with pytest.raises(DataError, match=said):
            verbalized(labels, given)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1, 5, 3], "1 2 3 4 5"),
        ([0.2, 4.75], "0 1 2 3 4 5"),
        ([0, 1], "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1"),
        ([-1, 100], "-20 0 20 40 60 80 100"),
        ([0.001, 0.0015], "0.001 0.00105 0.0011 0.00115 0.0012 0.00125 0.0013 0.00135 0.0014 0.00145 0.0015"),
    ],
)
def test_words_for_numbers_go_from_the_lowest_to_the_highest(values: list[float], words: str) -> None:
    found, meant = number_words(values)
    assert " ".join(found) == words
    assert [float(word) for word in found] == list(meant)


@pytest.mark.parametrize(
    ("template", "pairs", "said"),
    [
        ("Is it good?", False, "has no {text}, where the text is to stand"),
        ("{first} is?", True, "has no {second}, where one of the two texts is to stand"),
        ("{text} {label}", False, "has {label}; did you mean 'labels'"),
        ("{text}\nAnswer: ", False, "ends with a blank"),
        ("{text}\n{labels}?", False, ""),
    ],
)
def test_what_is_wrong_with_a_template_is_said(template: str, pairs: bool, said: str) -> None:
    found = template_fault(template, pairs=pairs)
    assert said in found
    assert bool(found) == bool(said)


def test_usual_templates_have_no_fault() -> None:
    assert not any(
        template_fault(each, pairs=pairs) for usual in (USUAL, NUMBERED) for pairs, own in usual.items() for each in own
    )
