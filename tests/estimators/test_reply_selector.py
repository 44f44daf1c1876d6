"""The estimator that picks replies: dialogues in, replies out."""

from typing import Any

import pytest
from sklearn.base import clone

from headstart import ReplySelector
from headstart.data.dialogues import Turn
from headstart.errors import DataError

THINGS = (
    "lamp",
    "kettle",
    "chair",
    "clock",
    "radio",
    "fan",
    "drill",
    "toaster",
    "heater",
    "carpet",
    "ladder",
    "mirror",
)
ASKED = [f"where is the {thing}" for thing in THINGS]
REPLIES = [f"the {thing} stands in the cellar" for thing in THINGS]
TALKS = [[*each, "thank you"] for each in zip(ASKED, REPLIES, strict=True)]


def test_replies_are_learnt_from_dialogues_and_picked_for_dialogues() -> None:
    model = ReplySelector(strategy="bm25", turns=1, threads=1).fit(TALKS)
    assert model.artifact_.task.turns == 1
    assert model.predict(["is that the drill", ["hello", "and the fan"]]).tolist() == [REPLIES[6], REPLIES[5]]
    messages = [{"role": "user", "content": "the mirror"}]
    assert model.predict([messages, [Turn("user", "the clock")]]).tolist() == [REPLIES[11], REPLIES[3]]
    assert model.select(["the radio"])[0].replies[0].text == REPLIES[4]
    assert model.predict(["zzz"]).tolist() == [""]


def test_replies_may_stand_in_y_and_scores_are_of_the_replies_that_are_handed_over() -> None:
    model = ReplySelector(strategy="bm25", reply_role="assistant", threads=1).fit(ASKED, REPLIES)
    assert model.score(ASKED, REPLIES) == 1.0
    new = [f"the {thing} was sold" for thing in THINGS]
    assert model.score(ASKED, new) == 1.0
    assert model.score(ASKED, new[::-1]) < 0.3
    assert clone(model).get_params() == model.get_params()


@pytest.mark.parametrize(
    ("X", "y", "said"),
    [
        ([["a", ""]], None, "dialogue 0: turn 2 is empty"),
        ([["a", "b"], 7], None, "dialogue 1 is 7, expected a text, or a list of turns or messages"),
        ([["a", {1, 2}]], None, "dialogue 0: it holds something else than texts and messages"),
        ([[{"role": "narrator", "content": "a"}]], None, "dialogue 0: turn 1 has the unknown role 'narrator'"),
        (ASKED, REPLIES[:3], "y has 3 replies, and X has 12 dialogues"),
        (ASKED, "the lamp", "requires y to be a list of texts, found a str"),
        (ASKED[:2], ["a", 3], r"y\[1\] is a int, expected the text of a reply"),
    ],
)
def test_what_is_no_dialogue_or_reply_is_refused(X: Any, y: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        ReplySelector(strategy="bm25").fit(X, y)
