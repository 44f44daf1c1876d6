"""Made the files beside it from examples/phrases with the library sentencepiece 0.2.1, whose ids they are: python make.py."""

import csv
import json
from pathlib import Path
from typing import Any

import sentencepiece  # pyright: ignore[reportMissingImports]

HERE = Path(__file__).parent
PHRASES = HERE.parents[2] / "examples" / "phrases" / "train.csv"
RULES = "FB01\t66 69\n2019\t27\nA0\t20\n"
"""How letters are made alike: a ligature, an apostrophe, a blank."""
ENGLISH = [
    "The shop opens at nine.",
    "  Where   is the last bus?  ",
    "the \ufb01rst train\u2019s late",
    "Der Laden öffnet",
    "q",
    "",
    "Xylophon 9 zebras!",
    "When does\u00a0it start?",
    "ß",
]
GERMAN = ["Der Laden öffnet um neun.", "Wann fährt der Zug?", "", "Straße"]


def main() -> None:
    """Train both models, put their pieces into one vocabulary, note what they make of some texts."""
    rows = list(csv.DictReader(PHRASES.open(encoding="utf-8")))
    (HERE / "rules.tsv").write_text(RULES)
    models: list[Any] = []
    for name, column in (("source", "en"), ("target", "de")):
        texts = HERE / f"{name}.txt"
        texts.write_text("\n".join(row[column] for row in rows) + "\n", encoding="utf-8")
        sentencepiece.SentencePieceTrainer.train(
            input=str(texts), model_prefix=str(HERE / name), vocab_size=170, model_type="unigram", character_coverage=1.0,
            normalization_rule_tsv=str(HERE / "rules.tsv"), hard_vocab_limit=False,
        )  # fmt: skip
        (HERE / f"{name}.model").rename(HERE / f"{name}.spm")
        models.append(sentencepiece.SentencePieceProcessor(model_file=str(HERE / f"{name}.spm")))
        texts.unlink()
        (HERE / f"{name}.vocab").unlink()
    (HERE / "rules.tsv").unlink()
    pieces = {
        model.id_to_piece(number)
        for model in models
        for number in range(model.get_piece_size())
        if not model.is_control(number) and not model.is_unknown(number)
    }
    ids = {word: number for number, word in enumerate(["</s>", "<unk>", *sorted(pieces), "<pad>"])}

    def encoded(model: Any, text: str) -> list[int]:
        return [*(ids.get(piece, ids["<unk>"]) for piece in model.encode(text, out_type=str)), ids["</s>"]]

    source, target = models
    expected = {
        "source": [[text, encoded(source, text)] for text in ENGLISH],
        "target": [[text, encoded(target, text)] for text in GERMAN],
    }
    for name, content in (("vocab.json", ids), ("expected.json", expected)):
        (HERE / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
