"""Dialogues are read from the forms that files have, and what is no dialogue is refused in words."""

import json
from typing import Any

import pytest

from headstart.data.dialogues import (
    Turn,
    dialogue_columns,
    dialogue_of,
    dialogue_of_lines,
    misplaced_system,
    repeated_role,
    unanswered,
)

HELLO = (Turn("user", "Hello?"), Turn("assistant", "Good day."))


@pytest.mark.parametrize(
    "cell",
    [
        [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Good day."}],
        [{"from": "human", "value": "Hello?"}, {"from": "gpt", "value": "Good day."}],
        [{"speaker": "USER", "utterance": "Hello?"}, {"speaker": "SYSTEM", "utterance": "Good day."}],
        [{"speaker": "customer", "text": "Hello?"}, {"speaker": "Agent ", "text": "Good day."}],
        ["Hello?", "Good day."],
        [{"role": "user", "content": [{"type": "text", "text": "Hello?"}]}, {"role": "bot", "content": "Good day."}],
    ],
    ids=["openai", "sharegpt", "task dialogue", "support", "texts", "parts"],
)
def test_forms_of_the_same_dialogue_are_read_alike_as_json_and_as_python_prints_them(cell: Any) -> None:
    assert dialogue_of(json.dumps(cell)) == (HELLO, None)
    assert dialogue_of(str(cell)) == (HELLO, None)


@pytest.mark.parametrize(
    ("cell", "beside"),
    [
        ('["Hello?", "Good day."]', '["user", "system"]'),
        ("Hello?", "Good day."),
        ('[{"role": "user", "content": "Hello?"}]', '[{"role": "assistant", "content": "Good day."}]'),
    ],
    ids=["turns and speakers", "two texts", "prompt and completion of messages"],
)
def test_two_columns_make_one_dialogue(cell: str, beside: str) -> None:
    assert dialogue_of(cell, beside) == (HELLO, None)


def test_a_system_is_the_assistant_only_where_speakers_have_names_and_nobody_else_answers() -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"}]
    assert dialogue_of(json.dumps(messages)) == ((Turn("system", "Be brief."), HELLO[0]), None)
    speakers = json.dumps(["system", "user", "bot"])
    assert dialogue_of('["Be brief.", "Hello?", "Good day."]', speakers) == (
        (Turn("system", "Be brief."), *HELLO),
        None,
    )


def test_parts_of_text_are_joined_by_line_breaks() -> None:
    cell = json.dumps([{"role": "user", "content": [{"type": "text", "text": "One"}, {"type": "text", "text": "two"}]}])
    assert dialogue_of(cell) == ((Turn("user", "One\ntwo"),), None)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (None, "no dialogue"),
        ("  ", "no dialogue"),
        ("Hello?", "'Hello?' is no dialogue; expected [{"),
        ('{"role": "user"}', "is no dialogue"),
        ("[", "is no dialogue"),
        ('["Hello?", ]x]', "is no list that can be read: "),
        ("[]", "no turns"),
        ('["Hello?", " "]', "turn 2 is empty"),
        ('["Hello?", 3]', "turn 1 is 'Hello?'; expected [{"),
        ('[{"role": "user", "content": null}]', "turn 1 is empty"),
        ('[{"role": "user", "content": 3}]', "turn 1 is 3; expected a text"),
        ('[{"role": "user"}]', "turn 1 has no text; expected a key 'content'"),
        ('[{"content": "Hello?"}]', "turn 1 has no speaker; expected a key 'role'"),
        (
            '[{"role": "narrator", "content": "Hello?"}]',
            "turn 1 has the unknown role 'narrator'; known are system, user and",
        ),
        ('[{"role": 1, "content": "Hello?"}]', "turn 1 has the unknown role 1"),
        (
            '[{"role": "user", "content": [{"type": "image_url"}]}]',
            "turn 1 has a part of the kind 'image_url'; only texts",
        ),
    ],
)
def test_what_is_no_dialogue_is_refused_in_words(cell: Any, reason: str) -> None:
    found, said = dialogue_of(cell)
    assert found is None
    assert said is not None
    assert reason in said


@pytest.mark.parametrize(
    ("beside", "reason"),
    [
        ('["user"]', "2 turns and 1 speakers"),
        ('["user", "crowd"]', "turn 2 has the unknown role 'crowd'"),
        ("user", "'user' beside the turns; expected a list with the speaker of each turn"),
    ],
)
def test_speakers_that_do_not_fit_the_turns_are_refused(beside: str, reason: str) -> None:
    found, said = dialogue_of('["Hello?", "Good day."]', beside)
    assert found is None
    assert said is not None
    assert reason in said


def test_a_blank_second_text_is_a_turn_without_words() -> None:
    assert dialogue_of("Hello?", " ") == (None, "turn 2 is empty")


def test_what_a_task_may_mind_is_said_by_a_check_of_its_own() -> None:
    assert repeated_role(HELLO) is misplaced_system(HELLO) is unanswered(HELLO) is None
    again = (*HELLO, Turn("assistant", "What is it?"))
    assert repeated_role(again) == "turns 2 and 3 are both of the assistant; join them to one, or leave one out"
    late = (HELLO[0], Turn("system", "Be brief."), HELLO[1])
    assert misplaced_system(late) == "turn 2 is of the system, whose text belongs in front of the first turn"
    assert misplaced_system((Turn("system", "Be brief."), *HELLO)) is None
    assert unanswered(HELLO[:1]) == "no turn is of the assistant"


def test_lines_are_turns_and_speakers_take_turns() -> None:
    assert dialogue_of_lines("Hello?\n\n Good day. \nBye") == (*HELLO, Turn("user", "Bye"))
    assert dialogue_of_lines(" \n") == ()


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (["id", "Messages"], ("Messages",)),
        (["id", "turns", "speakers", "states"], ("turns", "speakers")),
        (["dialog", "act"], ("dialog",)),
        (["conversations"], ("conversations",)),
        (["prompt", "completion"], ("prompt", "completion")),
        (["response", "instruction"], ("instruction", "response")),
        (["prompt", "label"], None),
        (["text"], None),
    ],
)
def test_columns_are_found_by_usual_names(columns: list[str], found: tuple[str, ...] | None) -> None:
    assert dialogue_columns(columns) == found
