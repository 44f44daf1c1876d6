"""Made the files beside it from examples/phrases with the library sentencepiece, whose ids they are: python make.py."""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import sentencepiece  # pyright: ignore[reportMissingImports]

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "marian"))
PHRASES = HERE.parents[2] / "examples" / "phrases" / "train.csv"
MARKS = ("<s>", "<pad>", "</s>", "<unk>")


def main() -> None:
    """Train a model of merged pairs on both languages, number its pieces, note what it makes of some texts."""
    from make import ENGLISH, GERMAN, RULES  # type: ignore[import-not-found]

    rows = list(csv.DictReader(PHRASES.open(encoding="utf-8")))
    texts, rules = HERE / "texts.txt", HERE / "rules.tsv"
    texts.write_text("".join(f"{row[side]}\n" for row in rows for side in ("en", "de")), encoding="utf-8")
    rules.write_text(RULES)
    sentencepiece.SentencePieceTrainer.train(
        input=str(texts), model_prefix=str(HERE / "pairs"), vocab_size=220, model_type="bpe", character_coverage=1.0,
        normalization_rule_tsv=str(rules), hard_vocab_limit=False,
    )  # fmt: skip
    (HERE / "pairs.model").rename(HERE / "sentencepiece.bpe.model")
    for path in (texts, rules, HERE / "pairs.vocab"):
        path.unlink()
    model: Any = sentencepiece.SentencePieceProcessor(model_file=str(HERE / "sentencepiece.bpe.model"))
    count = model.get_piece_size()
    pieces = [model.id_to_piece(at) for at in range(count) if not model.is_control(at) and not model.is_unknown(at)]
    ids = {word: number for number, word in enumerate([*MARKS, *sorted(pieces)])}

    def encoded(text: str) -> list[int]:
        return [*(ids.get(piece, ids["<unk>"]) for piece in model.encode(text, out_type=str)), ids["</s>"]]

    expected = [
        [text, encoded(text)]
        for text in [*ENGLISH, *GERMAN, "zqqy jxw \u00df\u00fc 42", *(row["de"] for row in rows[:40])]
    ]
    (HERE / "vocab.json").write_text(json.dumps(ids, ensure_ascii=False) + "\n", encoding="utf-8")
    (HERE / "expected.json").write_text(json.dumps(expected, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
