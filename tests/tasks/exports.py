"""Small files as annotation tools export them, by what they document: a name, the lines, and what there is to guess."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

PEOPLE, PLACES = ("Ada Brook", "Ines Marlow", "Tom Reed", "Yusuf Lang"), ("Oslo", "Lima", "Graz", "Turin")
MOODS, THEMES = ("glad", "cross"), ("food", "staff", "price")
ROWS = 40


class Export(NamedTuple):
    """A file of a tool."""

    ending: str
    text: str
    task: str
    columns: tuple[str, str]
    """Text and label."""


def sentence(at: int) -> tuple[str, list[tuple[int, int, str]]]:
    """A sentence with the spans of a person and a place."""
    who, where = PEOPLE[at % 4], PLACES[at // 4 % 4]
    text = f"On day {at} {who} took the slow train to {where}."
    found = [(text.index(who), who, "PERSON"), (text.index(where), where, "PLACE")]
    return text, [(start, start + len(said), kind) for start, said, kind in found]


def opinion(at: int) -> str:
    """A text to classify."""
    return f"Visit {at}: the soup was {('warm', 'cold')[at % 2]} and the waiter {('kind', 'gone', 'slow')[at % 3]}"


def themes(at: int) -> list[str]:
    """None, one or two labels."""
    return [theme for bit, theme in enumerate(THEMES) if (at + 1) >> bit & 1][:2]


def words(at: int) -> list[tuple[str, str]]:
    """Words of a sentence, each with its tag."""
    text, spans = sentence(at)
    found, place = [], 0
    for word in text.replace(".", " .").split():
        start = text.index(word, place)
        place = start + len(word)
        kind = next(
            (("B-" if start == span[0] else "I-") + span[2] for span in spans if span[0] <= start < span[1]), "O"
        )
        found.append((word, kind))
    return found


def lines(row: Callable[[int], Any]) -> str:
    """JSON lines."""
    return "".join(json.dumps(row(at)) + "\n" for at in range(ROWS))


def cells(names: Sequence[str], row: Callable[[int], Iterable[Any]]) -> str:
    """CSV with a header."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(names)
    writer.writerows(row(at) for at in range(ROWS))
    return file.getvalue()


def columns(form: str, document: str = "") -> str:
    """A word in each line, written by `form`."""
    blocks = ("".join(form.format(word=word, tag=tag) + "\n" for word, tag in words(at)) for at in range(ROWS))
    return document + "\n".join(blocks)


def tokens(text: str) -> list[dict[str, Any]]:
    """Words with their places, as Prodigy has them."""
    found, place = [], 0
    for number, word in enumerate(text.split()):
        start = text.index(word, place)
        place = start + len(word)
        found.append({"text": word, "start": start, "end": place, "id": number, "ws": True})
    return found


def prodigy(at: int, **more: Any) -> dict[str, Any]:
    """Keys that all rows of Prodigy have."""
    return {
        "_input_hash": 7919 * at - 52013,
        "_task_hash": 104729 * at - 77,
        "_view_id": "blocks",
        "answer": "accept",
        **more,
    }


STUDIO = ("annotation_id", "annotator", "created_at", "id", "lead_time")


def studio(at: int) -> list[Any]:
    """Cells that all rows of Label Studio have."""
    return [900 + at, 1, f"2025-03-{at % 28 + 1:02}T10:{at:02}:11.409213Z", 300 + at, 3.25 + at * 1.37 % 9]


def argilla(at: int) -> dict[str, Any]:
    """A record of Argilla, flattened."""
    return {
        "id": f"0b6{at:04x}-9a1e", "status": "completed", "text": opinion(at), "mood.responses": [MOODS[at % 2]],
        "mood.responses.users": ["5f0c1d"], "mood.responses.status": ["submitted"], "mood.suggestion": MOODS[at % 3 % 2],
        "mood.suggestion.score": 0.5 + at % 7 / 20, "mood.suggestion.agent": "first-model",
    }  # fmt: skip


TOKENS, CLASSES, SETS = "token-classification", "text-classification", "multi-label-classification"
EXPORTS = {
    "doccano, classification": Export(
        ".jsonl", lines(lambda at: {"id": at, "text": opinion(at), "label": [MOODS[at % 2]], "Comments": []}), CLASSES, ("text", "label")
    ),
    "doccano, several labels": Export(
        ".jsonl", lines(lambda at: {"id": at, "text": opinion(at), "label": themes(at), "Comments": []}), SETS, ("text", "label")
    ),
    "doccano, sequence labelling": Export(
        ".jsonl", lines(lambda at: {"id": at, "text": sentence(at)[0], "label": sentence(at)[1]}), TOKENS, ("text", "label")
    ),
    "doccano, relations": Export(
        ".jsonl",
        lines(
            lambda at: {
                "id": at, "text": sentence(at)[0], "relations": [], "Comments": [],
                "entities": [{"id": 2 * at, "label": kind, "start_offset": start, "end_offset": end} for start, end, kind in sentence(at)[1]],
            }
        ),
        TOKENS, ("text", "entities"),
    ),
    "Label Studio, CSV, choice": Export(
        ".csv", cells([*STUDIO, "sentiment", "text", "updated_at"], lambda at: [*studio(at), MOODS[at % 2], opinion(at), studio(at)[2]]),
        CLASSES, ("text", "sentiment"),
    ),
    "Label Studio, CSV, choices": Export(
        ".csv",
        cells([*STUDIO, "topics", "text", "updated_at"], lambda at: [*studio(at), json.dumps({"choices": themes(at)}), opinion(at), studio(at)[2]]),
        SETS, ("text", "topics"),
    ),
    "Label Studio, CSV, spans": Export(
        ".csv",
        cells(
            [*STUDIO, "label", "text", "updated_at"],
            lambda at: [
                *studio(at),
                json.dumps([{"start": start, "end": end, "text": sentence(at)[0][start:end], "labels": [kind]} for start, end, kind in sentence(at)[1]]),
                sentence(at)[0], studio(at)[2],
            ],
        ),
        TOKENS, ("text", "label"),
    ),
    "Label Studio, CONLL2003": Export(".conll", columns("{word} -X- _ {tag}", "-DOCSTART- -X- O\n"), TOKENS, ("tokens", "tags")),
    "Prodigy, ner": Export(
        ".jsonl",
        lines(
            lambda at: prodigy(
                at, text=sentence(at)[0], tokens=tokens(sentence(at)[0]),
                spans=[{"start": start, "end": end, "token_start": 3, "token_end": 4, "label": kind} for start, end, kind in sentence(at)[1]],
            )
        ),
        TOKENS, ("text", "spans"),
    ),
    "Prodigy, textcat": Export(
        ".jsonl",
        lines(lambda at: prodigy(at, text=opinion(at), options=[{"id": mood, "text": mood} for mood in MOODS], accept=[MOODS[at % 2]])),
        CLASSES, ("text", "accept"),
    ),
    "Argilla, records": Export(".jsonl", lines(argilla), CLASSES, ("text", "mood.responses")),
    "Argilla, tokens": Export(
        ".jsonl",
        lines(
            lambda at: {
                "text": sentence(at)[0], "tokens": sentence(at)[0].split(), "prediction": None, "prediction_agent": None, "id": f"a{at:05x}",
                "annotation": [{"label": kind, "start": start, "end": end, "score": 1.0} for start, end, kind in sentence(at)[1]],
                "annotation_agent": "me", "metadata": {}, "status": "Validated", "metrics": {},
            }
        ),
        TOKENS, ("text", "annotation"),
    ),
    "brat, JSON lines": Export(
        ".jsonl",
        lines(
            lambda at: {
                "text": sentence(at)[0],
                "entities": [[f"T{number}", kind, [[start, end]]] for number, (start, end, kind) in enumerate(sentence(at)[1], start=1)],
            }
        ),
        TOKENS, ("text", "entities"),
    ),
    "INCEpTION, CoNLL 2002": Export(".conll", columns("{word} {tag}"), TOKENS, ("tokens", "tags")),
    "CoNLL 2003": Export(".conll", columns("{word} NN I-NP {tag}", "-DOCSTART- -X- O O\n\n"), TOKENS, ("tokens", "tags")),
    "hub, tokens": Export(
        ".jsonl",
        lines(lambda at: {"id": str(at), "tokens": [word for word, _ in words(at)], "ner_tags": [tag for _, tag in words(at)]}),
        TOKENS, ("tokens", "ner_tags"),
    ),
}  # fmt: skip
"""By tool and kind."""
