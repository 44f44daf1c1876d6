"""The journal of answers: whole or left out, never twice, and what was under way is counted."""

from pathlib import Path

import pytest

from headstart.endpoints.answers import ANSWERS, AnswerJournal, Received, digest_of
from headstart.endpoints.spending import Spent
from headstart.errors import HeadstartError, RunFolderError, StorageError


def written(path: Path) -> bytes:
    """A journal with two answers, one that failed, and two requests under way."""
    with AnswerJournal(path) as journal:
        for name in ("a", "b", "c", "d", "e"):
            journal.sent(name, Spent(1, 100, 10))
        journal.answered("a", Received({"x": [1, 2.5, "ü"]}, "tiny"), Spent(1, 7, 3))
        journal.failed("b", Spent(1))
        journal.answered("c", Received("text"), Spent(1, 1, 1))
    return path.read_bytes()


def test_what_was_kept_is_there_and_what_was_under_way_counts_as_the_most(tmp_path: Path) -> None:
    path = tmp_path / "new" / ANSWERS
    written(path)
    with AnswerJournal(path) as journal:
        assert journal.get("a") == Received({"x": [1, 2.5, "ü"]}, "tiny") and journal.get("c") == Received("text")
        assert journal.get("b") is None and journal.get("d") is None and len(journal) == 2
        assert journal.in_flight == 2 and journal.damaged == 0
        assert journal.spent == Spent(5, 7 + 1 + 200, 3 + 1 + 20)
        journal.sent("d", Spent(1, 100, 10))
        journal.answered("d", Received("late"), Spent(1, 5, 5))
    with AnswerJournal(path) as journal:
        assert journal.in_flight == 0 and journal.get("d") == Received("late")
        assert journal.spent == Spent(6, 7 + 1 + 200 + 5, 3 + 1 + 20 + 5)


def test_torn_at_any_byte_whole_answers_stay_and_more_can_be_added(tmp_path: Path) -> None:
    path = tmp_path / ANSWERS
    whole = written(path)
    answers = [at for at in range(len(whole)) if whole[at:].startswith(b'"answered"')]
    ends = [whole.index(b"\n", at) + 1 for at in answers]
    for size in range(0, len(whole), 13):
        path.write_bytes(whole[:size])
        with AnswerJournal(path) as journal:
            assert len(journal) == sum(end <= size for end in ends)
            journal.answered("z", Received("more"), Spent(1))
        with AnswerJournal(path) as journal:
            assert journal.get("z") == Received("more") and journal.damaged <= 1


def test_a_byte_that_changed_costs_one_line(tmp_path: Path) -> None:
    path = tmp_path / ANSWERS
    whole = written(path)
    for at in range(30, len(whole), 11):
        changed = bytearray(whole)
        changed[at] ^= 4
        path.write_bytes(changed)
        with AnswerJournal(path) as journal:
            assert 1 <= journal.damaged <= 2 and len(journal) >= 1


def test_what_others_wrote_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / ANSWERS
    path.write_text('{"my": "notes"}\n')
    with pytest.raises(RunFolderError, match="was not written by headstart"), AnswerJournal(path):
        pass
    assert path.read_text() == '{"my": "notes"}\n'
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunFolderError, match="is a link"), AnswerJournal(path):
        pass


def test_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / ANSWERS
    written(path)
    with AnswerJournal(path), pytest.raises(RunFolderError, match="another process"), AnswerJournal(path):
        pass


def test_a_full_disk_is_told_and_nothing_is_taken_for_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with AnswerJournal(tmp_path / ANSWERS) as journal:
        journal.sent("a", Spent(1))
        monkeypatch.setattr("headstart.endpoints.answers.os.fsync", full)
        with pytest.raises(StorageError, match="No space left"):
            journal.answered("a", Received("x"), Spent(1))
    with pytest.raises(HeadstartError), AnswerJournal(tmp_path):
        pass


def test_names_hang_on_all_that_an_answer_hangs_on() -> None:
    usual = ("http://localhost/v1", "/completions", {"model": "m", "prompt": "p"}, "words-1")
    others = [
        ("http://localhost:1/v1", *usual[1:]),
        (usual[0], "/chat/completions", *usual[2:]),
        (*usual[:2], {"model": "n", "prompt": "p"}, usual[3]),
        (*usual[:3], "words-2"),
    ]
    assert len({digest_of(*each) for each in (usual, *others)}) == 5
    assert digest_of(*usual) == digest_of(*usual[:2], {"prompt": "p", "model": "m"}, usual[3])
