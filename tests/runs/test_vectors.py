"""The verb `distill-vectors`: a student takes over a teacher's vectors for both languages, and what is wrong with lines is said."""

import gzip
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import headstart
from headstart.backbones.base import open_backbone
from headstart.backbones.location import BackboneSource, locate
from headstart.backbones.transplanting import new_tokenizer, origins
from headstart.backbones.vocabulary import train_tokenizer
from headstart.errors import DataError, RecipeError
from headstart.predictors.encoding import encode
from headstart.runs.parallel import cuts_remark, lexicon_of, read_parallel

WORDS = {"good": "gut", "bad": "schlecht", "shop": "laden", "parcel": "paket", "monday": "montag", "night": "nacht", "day": "tag",
         "very": "sehr", "now": "jetzt", "opens": "öffnet", "end": "schluss", "start": "beginn"}  # fmt: skip
SMALL: dict[str, Any] = {
    "updates": 12,
    "rounds": 3,
    "batch_tokens": 256,
    "learning_rate": 3e-3,
    "vocabulary_size": 300,
    "threads": 1,
}


def lines(count: int = 60) -> tuple[list[str], list[str]]:
    drawn = np.random.default_rng(4)
    chosen = [drawn.choice(list(WORDS), size=drawn.integers(2, 6)) for _ in range(count)]
    return [" ".join(row) for row in chosen], [" ".join(WORDS[word] for word in row) for row in chosen]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    place = tmp_path_factory.mktemp("parallel")
    for name, side in zip(("en", "de"), lines(), strict=True):
        with gzip.open(place / f"{name}.txt.gz", "wt", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in side))
    return place / "en.txt.gz", place / "de.txt.gz"


def test_a_student_comes_near_to_the_teacher_in_both_languages(
    files: tuple[Path, Path], tiny_backbone: Path, tmp_path: Path
) -> None:
    from transformers import AutoModel, AutoTokenizer

    options = SMALL | {"word_vectors": "mean", "output": str(tmp_path / "de"), "teacher": str(tiny_backbone)}
    found = headstart.distill_vectors(*files, **options)
    assert found["loss"]["after"] < 0.7 * found["loss"]["before"]
    assert found["retrieval"]["lines"] == 6
    student, teacher = (
        open_backbone(locate(BackboneSource(location=str(each)))) for each in (tmp_path / "de", tiny_backbone)
    )
    sources, targets = lines(20)
    wanted = encode(teacher, sources).vectors
    for side in (sources, targets):
        assert ((encode(student, side).vectors - wanted) ** 2).sum(1).mean() < found["loss"]["before"]
    tokenizer: Any = AutoTokenizer.from_pretrained(tmp_path / "de")
    assert tokenizer(unicodedata.normalize("NFD", "öffnet")).input_ids == tokenizer("öffnet").input_ids
    assert tokenizer("öffnet").input_ids == student.tokenizer.encode(["öffnet"]).flat.tolist()
    plain: Any = AutoModel.from_pretrained(tmp_path / "de").eval()
    ids = tokenizer(targets[0], return_tensors="pt")
    ids.pop("token_type_ids", None)
    with torch.no_grad():
        mean = plain(**ids).last_hidden_state[0].mean(0)
    np.testing.assert_allclose((mean / mean.norm()).numpy(), encode(student, targets[:1]).vectors[0], atol=1e-5)
    card = (tmp_path / "de" / "README.md").read_text()
    assert "AutoModel.from_pretrained" in card and "translations that are found" in card


def test_a_dictionary_from_the_lines_is_where_texts_translated_word_by_word_begin_as_the_teacher_has_them(
    files: tuple[Path, Path], tiny_backbone: Path, tmp_path: Path
) -> None:
    found = headstart.distill_vectors(
        *files, teacher=str(tiny_backbone), output=str(tmp_path / "de"), **SMALL | {"updates": 1, "rounds": 1}
    )
    assert found["vocabulary"]["translated"] == len(WORDS)
    assert found["loss"]["before"] < 1e-6 and found["loss"]["after"] < 1e-6, "nothing that is better is given up"


@pytest.mark.slow
@pytest.mark.parametrize("vocabulary", ["trimmed", "extended", "kept"])
def test_other_vocabularies_learn_too(
    vocabulary: str, files: tuple[Path, Path], tiny_backbone: Path, tmp_path: Path
) -> None:
    found = headstart.distill_vectors(
        *files,
        teacher=str(tiny_backbone),
        vocabulary=vocabulary,
        word_vectors="mean",
        output=str(tmp_path / "de"),
        **SMALL,
    )
    assert found["loss"]["after"] < found["loss"]["before"]


def test_a_student_learns_lines_and_their_translations_from_the_vectors_of_the_lines(tiny_backbone: Path) -> None:
    from headstart.runs.parallel import ParallelLines
    from headstart.runs.vectors import _taught
    from headstart.training.teacher_vectors import SentenceVectors, retrieval_accuracy

    backbone = open_backbone(locate(BackboneSource(location=str(tiny_backbone))))
    vectors = np.eye(5, 32, dtype=np.float32)
    objective = SentenceVectors(vectors)
    taught = _taught(objective, backbone, ParallelLines(["good day", "bad"], ["very good", "night"]), 3)
    assert taught.home.tolist() == [3, 4, 3, 4]
    texts = [backbone.tokenizer.decode(taught.texts.get(at).tolist()) for at in range(4)]
    assert ["good day" in texts[0], "bad" in texts[1], "very good" in texts[2], "night" in texts[3]] == [True] * 4
    batch = objective.collate(taught, np.array([2, 4 + 1]), 0)  # the second one of the second pass
    assert batch["vectors"].argmax(1).tolist() == [3, 4]
    alike = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0.1]], dtype=np.float32)
    assert retrieval_accuracy(np.eye(3, dtype=np.float32), alike) == pytest.approx((1.0, 2 / 3))


def test_what_is_wrong_with_lines_is_counted_or_refused(tmp_path: Path) -> None:
    sources, targets = lines(40)

    def written(name: str, side: list[str]) -> str:
        (tmp_path / name).write_text("".join(f"{line}\n" for line in side), encoding="utf-8")
        return str(tmp_path / name)

    one, other = written("x.en", sources), written("x.de", targets)
    with pytest.raises(DataError, match=r"x\.en has 40, .*short has 37"):
        read_parallel(one, written("short", targets[:37]))
    with pytest.raises(DataError, match="40 of 40 lines are the same on both sides"):
        read_parallel(one, written("copy", sources))
    table = ["en\tde", *(f"{text}\t " for text in sources)]
    with pytest.raises(DataError, match="the target has no text in any of 40 lines"):
        read_parallel(written("empty.tsv", table), None)
    with pytest.raises(RecipeError, match="columns: are those of a table"):
        read_parallel(one, other, columns=("en", "de"))
    with pytest.raises(DataError, match="name a second file"):
        read_parallel(written("x.txt", sources), None)
    odd = [sources[0], "", *(unicodedata.normalize("NFD", text) for text in targets[2:])]
    found = read_parallel(one, written("odd.txt", odd))
    assert len(found) == 39 and found.targets[1:] == targets[2:]
    said = " ".join(found.remarks)
    assert "letters apart from their accents" in said and "1 lines of the target are empty (lines 2)" in said
    assert "1 lines are the same on both sides (lines 1)" in said
    english = ["the cat is in the house and it was not there"] * 40
    german = ["das ist nicht die katze und der hund ist auch nicht da"] * 40
    swapped = read_parallel(written("y.en", german), written("y.de", english))
    assert "the languages are swapped" in " ".join(swapped.remarks)
    assert "are the sides swapped?" in cuts_remark((2.1, 1.1), "mini")
    assert not cuts_remark((1.1, 2.1), "mini")


def test_a_table_of_two_columns_is_read_too(tmp_path: Path) -> None:
    sources, targets = lines(25)
    rows = [f"{one}\t{other}" for one, other in zip(targets, sources, strict=True)]
    (tmp_path / "pairs.tsv").write_text("deu\teng\n" + "\n".join(rows) + "\n", encoding="utf-8")
    found = read_parallel(str(tmp_path / "pairs.tsv"), None, columns=("eng", "deu"))
    assert (found.sources, found.targets, *found.languages) == (sources, targets, "eng", "deu")
    with pytest.raises(DataError, match="has no column 'en'; there are deu, eng"):
        read_parallel(str(tmp_path / "pairs.tsv"), None, columns=("en", "deu"))


def test_vectors_of_new_pieces_come_from_copies_translations_and_means(tmp_path: Path) -> None:
    sources, targets = lines(80)
    before = train_tokenizer(sources, kind="wordpiece", size=300, lowercase=True)
    after = new_tokenizer(before, [*sources, *targets], size=300, decoder=False, architecture="bert")
    (tmp_path / "en").write_text("\n".join(sources) + "\n", encoding="utf-8")
    (tmp_path / "de").write_text("\n".join(targets) + "\n", encoding="utf-8")
    lexicon = lexicon_of(read_parallel(str(tmp_path / "en"), str(tmp_path / "de")), lowercase=True)
    assert {word: lexicon[word] for word in ("gut", "laden", "öffnet")} == {
        "gut": "good",
        "laden": "shop",
        "öffnet": "opens",
    }
    special = {
        after.token_to_id(token): before.token_to_id(token) for token in ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]")
    }
    found = origins(before, after, special=special, vectors="dictionary", dictionary=lexicon)

    def of(piece: str) -> list[int]:
        row = after.token_to_id(piece)
        assert row is not None, piece
        return sorted(found.rows.shares[[row]].tocoo().col.tolist())

    def cut(text: str) -> list[int]:
        return sorted({*before.encode(text, add_special_tokens=False).ids})

    assert of("laden") == cut("shop") and of("shop") == cut("shop")
    assert of("[MASK]") == [before.token_to_id("[MASK]")]
    plain = origins(before, after, special=special, vectors="mean", dictionary=lexicon)
    assert plain.counts["translated"] == 0 and plain.counts["averaged"] > found.counts["averaged"]
    drawn = origins(before, after, special=special, vectors="random")
    assert drawn.counts["random"] == after.get_vocab_size() - len(special)
