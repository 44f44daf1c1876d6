"""The estimator that writes replies: dialogues in, replies out."""

from pathlib import Path

import pytest
from sklearn.base import clone
from tests.toys.decoders import make_decoder

from headstart import DialogueModel
from headstart.data.dialogues import Turn
from headstart.errors import DataError

ASKED = [f"what is not {word}?" for word in ("good", "day", "yes", "cat", "sat", "the")] * 3
REPLIES = [f"it is {word}" for word in ("bad", "night", "no", "mat", "on", "and")] * 3


def test_replies_are_learnt_written_streamed_and_scored(tmp_path: Path) -> None:
    backbone = make_decoder(tmp_path / "llama")
    options = {
        "backbone": str(backbone),
        "max_new_tokens": 8,
        "threads": 1,
        "options": {"beams": 1},
        "learning_rate": 3e-3,
        "batch_size": 4,
    }
    model = DialogueModel(strategy="fine-tuning", epochs=2, **options).fit(ASKED, REPLIES)  # type: ignore[arg-type]
    said = model.predict([ASKED[0], [Turn("user", ASKED[1])], [{"role": "user", "content": ASKED[0]}]])
    assert said[0] == said[2]
    assert (
        "".join(model.stream(ASKED[0])).strip() == DialogueModel.write(model, [ASKED[0]])[0].text
        or model.artifact_.task.beams > 1
    )
    untouched = DialogueModel(strategy="untouched", **options).fit(
        [[*each] for each in zip(ASKED, REPLIES, strict=True)]
    )  # type: ignore[arg-type]
    assert model.score(ASKED, REPLIES) > untouched.score(ASKED, REPLIES) + 0.5
    assert clone(model).get_params() == model.get_params()
    with pytest.raises(DataError, match="no dialogue of X has a turn of the assistant"):
        model.score(ASKED[:2])
