"""TF-IDF with a linear map: the honest baseline, kept as safetensors and JSON, run without torch."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from headstart.data.graphemes import INVISIBLE, LETTERS, UNPARTED, composed, marks
from headstart.data.outputs import Logits
from headstart.decisions.base import Decision
from headstart.decisions.temperature import Temperature
from headstart.errors import ModelError
from headstart.manifest import Stated
from headstart.predictors.base import Predictor, Runtime, digests, refuse_task, stated
from headstart.runtime.contained import arrays, content, header_of, parsed
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task

WORDS = {"analyzer": "word", "ngram_range": (1, 2)}
CHARACTERS = {"analyzer": "char_wb", "ngram_range": (2, 5)}
PLAIN_WORD = re.compile(r"\w+")
"""Words of texts without marks; those of all texts in artifacts of the earliest versions."""
Reading = Literal["plain", "whole", "parted"]
"""What words are: runs of letters; with their marks; and where a script sets no blanks between words, single letters."""
CHUNK = 5_000
"""Texts vectorised at once."""
WEIGHTS, TERMS = "linear.safetensors", "terms.json"
ROOM, LEAST_ROOM = 256, 64 << 20
"""Bytes of `terms.json` for each term that has a weight, and in all: a long list without weights would fill the memory."""


class LinearDescription(Stated):
    """What the manifest says of a linear model."""

    words: Reading | None = None
    whole_words: bool = False


class LinearTextPredictor(Predictor):
    """Logits are a linear map of TF-IDF weights of words (1-2) and characters (2-5).

    Of a pair of texts: of what the weights of the two differ by, and of their products.

    Args:
        vectorizers: fitted TfidfVectorizers of scikit-learn, words then characters.
        weight: shape (labels, terms of all vectorizers, for pairs those of each twice).
        bias: shape (labels,).
        task: bound.
    """

    kind: ClassVar[str] = "linear-text"
    reads: ClassVar[tuple[str, ...]] = (WEIGHTS, TERMS)
    runtime: ClassVar[Runtime] = "sklearn"

    def __init__(self, vectorizers: Sequence[Any], weight: np.ndarray, bias: np.ndarray, task: Task[Any, Any]) -> None:
        super().__init__(task)
        self.vectorizers = list(vectorizers)
        self.weight = weight.astype(np.float32)
        self.bias = bias.astype(np.float32)

    def outputs(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> Logits:
        """Logits; nothing is ever truncated."""
        parts = []
        for start in range(0, len(inputs), CHUNK):
            chunk = inputs[start : start + CHUNK]
            at, total = 0, np.repeat(self.bias[None, :], len(chunk), 0)
            for vectorizer in self.vectorizers:
                for terms in weighted(vectorizer, chunk):
                    total = total + terms @ self.weight[:, at : at + terms.shape[1]].T
                    at += terms.shape[1]
            parts.append(total)
            progress.advance(len(chunk))
        logits = np.concatenate(parts).astype(np.float32) if parts else np.zeros((0, len(self.bias)), np.float32)
        return Logits.of(logits)

    def absorb(self, decision: Decision) -> bool:
        """Fold a temperature into weight and bias."""
        if not isinstance(decision, Temperature):
            return False
        self.weight = (self.weight * decision.value).astype(np.float32)
        self.bias = (self.bias * decision.value).astype(np.float32)
        return True

    def save(self, folder: Path) -> dict[str, Any]:
        """Write `linear.safetensors` (weight, bias, idf) and `terms.json` (term lists in column order)."""
        from safetensors.numpy import save_file

        tensors: dict[str, np.ndarray] = {"weight": np.ascontiguousarray(self.weight), "bias": self.bias}
        terms = []
        for at, vectorizer in enumerate(self.vectorizers):
            tensors[f"idf_{at}"] = np.asarray(vectorizer.idf_, dtype=np.float64)
            terms.append([str(term) for term in vectorizer.get_feature_names_out()])
        save_file(tensors, str(folder / WEIGHTS))
        (folder / TERMS).write_text(json.dumps(terms, ensure_ascii=True), encoding="utf-8")
        return {"words": self.reading, "digests": digests(folder)}

    @property
    def reading(self) -> Reading:
        """What its words are."""
        cut = self.vectorizers[0].tokenizer
        return "whole" if cut is whole_words else "parted" if cut is parted_words else "plain"

    @property
    def is_paired(self) -> bool:
        """Whether it reads pairs of texts."""
        return self.weight.shape[1] > sum(len(vectorizer.get_feature_names_out()) for vectorizer in self.vectorizers)

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> "LinearTextPredictor":
        """Read `linear.safetensors` and `terms.json`; imports scikit-learn, never torch."""
        said = stated(LinearDescription, folder, description)
        refuse_task(folder, cls.kind, task, suits=not task.words)
        room = max(
            LEAST_ROOM, ROOM * sum(shape[0] for shape, _ in header_of(folder, WEIGHTS).values() if len(shape) == 1)
        )
        terms = _terms(folder, parsed(content(folder, TERMS, most=room), folder / TERMS))
        labels, columns = len(task.names), sum(map(len, terms)) * (2 if task.pairs else 1)
        idf = {f"idf_{at}": (len(each),) for at, each in enumerate(terms)}
        shapes = {"weight": (labels, columns), "bias": (labels,), **idf}
        tensors = arrays(folder, WEIGHTS, shapes, digest=description["digests"].get(WEIGHTS))
        vectorizers = []
        for at, options in enumerate((WORDS, CHARACTERS)):
            words = said.words or ("whole" if said.whole_words else "plain")
            vectorizer = vectorizer_for(options, words=words, vocabulary=terms[at])
            vectorizer.idf_ = tensors[f"idf_{at}"]
            vectorizers.append(vectorizer)
        return cls(vectorizers, tensors["weight"], tensors["bias"], task)

    def usage(self) -> str:
        """Code with scikit-learn and safetensors only."""
        given = '[("it rains", "it is wet outside")]' if self.is_paired else '["great plot, weak ending"]'
        whole = self.reading != "plain"
        kept = _MARKS_KEPT.format(word=_PARTED_CODE if self.reading == "parted" else _WHOLE_CODE)
        return f"""import json{_MARKS_IMPORTED[0] if whole else ""}
from pathlib import Path{_MARKS_IMPORTED[1] if whole else ""}

import numpy as np
from safetensors.numpy import load_file
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer

labels = {list(self.task.names)!r}
tensors, terms = load_file("linear.safetensors"), json.loads(Path("terms.json").read_text())
{kept if whole else _PLAIN}
words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=word, vocabulary=terms[0], **usual)
letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), vocabulary=terms[1], **usual)
words.idf_, letters.idf_ = tensors["idf_0"], tensors["idf_1"]

{_PAIRED_USE if self.is_paired else _SINGLE_USE} @ tensors["weight"].T + tensors["bias"]
{self.task.activation_code("numpy")}

{self.task.usage_code(f"predict({given})[0]", self.thresholds)}"""


_MARKS_IMPORTED = "\nimport re", "\nfrom unicodedata import category, normalize"
_MARKS_KEPT = """marks = "\\u200c\\u200d" + "".join(c for c in map(chr, range(0x300, 0xE01F0)) if category(c)[0] == "M")
{word}
usual = {{"sublinear_tf": True, "preprocessor": lambda text: normalize("NFC", re.sub(invisible, "", text)).lower()}}"""
_PLAIN = f"""word, usual = r"{PLAIN_WORD.pattern}", {{"sublinear_tf": True}}"""
_WHOLE_CODE = f"""invisible = {INVISIBLE.pattern!a}
word = rf"\\w[\\w{{marks}}]*\""""
_PARTED_CODE = f"""part, invisible = {UNPARTED!a}, {INVISIBLE.pattern!a}
word = rf"[{{part}}][{ascii(LETTERS)[1:-1]}{{marks}}]*|[^\\W{{part}}](?:[^\\W{{part}}]|[{{marks}}])*\""""
_SINGLE_USE = """def predict(texts):
    logits = hstack([words.transform(texts), letters.transform(texts)])"""
_PAIRED_USE = """def predict(pairs):
    sides = [[terms.transform(side) for side in zip(*pairs)] for terms in (words, letters)]
    logits = hstack([part for a, b in sides for part in (abs(a - b), a.multiply(b))])"""


def _terms(folder: Path, said: object) -> list[list[str]]:
    """Terms of words and of characters in the order of their columns, each once."""
    lists = said if isinstance(said, list) else []
    if len(lists) != 2 or not all(
        isinstance(each, list) and all(isinstance(term, str) for term in each) for each in lists
    ):
        raise ModelError(
            f"{folder / TERMS} is damaged: expected a list of terms of words and one of terms of characters"
        )
    if not all(each and len({*each}) == len(each) for each in lists):
        raise ModelError(f"{folder / TERMS} is damaged: a list is empty, or a term stands twice")
    return lists


def weighted(vectorizer: Any, texts: Sequence[Any], *, fit: bool = False) -> list[Any]:
    """Weights of the terms of some texts, sparse of shape (texts, terms); of pairs their difference and their product.

    Args:
        vectorizer: of scikit-learn.
        texts: or pairs of them.
        fit: learn the terms and how rare they are from these texts first.
    """
    if not len(texts) or isinstance(texts[0], str):
        return [(vectorizer.fit_transform if fit else vectorizer.transform)(texts)]
    firsts, seconds = zip(*texts, strict=True)
    if fit:
        vectorizer.fit(flat(texts))
    one, other = vectorizer.transform(firsts), vectorizer.transform(seconds)
    return [abs(one - other), one.multiply(other).tocsr()]


def flat(texts: Sequence[Any]) -> list[str]:
    """Texts, the two of a pair one after the other."""
    return [part for text in texts for part in ((text,) if isinstance(text, str) else text)]


def lowered(text: str) -> str:
    """A text as terms are taken from: composed, in lower case."""
    return composed(text).lower()


def whole_words(text: str) -> list[str]:
    """Words of a text that `lowered` gave, each letter with its marks."""
    return (PLAIN_WORD if text.isascii() else _marked_word()).findall(text)


def parted_words(text: str) -> list[str]:
    """Words of a text as `whole_words` has them; of scripts that set no blanks between words, each letter with its marks."""
    return (PLAIN_WORD if text.isascii() else _parted_word()).findall(text)


@cache
def _marked_word() -> re.Pattern[str]:
    return re.compile(rf"\w[\w{marks()}]*")


@cache
def _parted_word() -> re.Pattern[str]:
    return re.compile(rf"[{UNPARTED}][{LETTERS}{marks()}]*|[^\W{UNPARTED}](?:[^\W{UNPARTED}]|[{marks()}])*")


_CUTS: Mapping[Reading, Any] = {"whole": whole_words, "parted": parted_words}


def vectorizer_for(options: Mapping[str, Any], *, words: Reading = "parted", **more: Any) -> Any:
    """A TfidfVectorizer of scikit-learn with sublinear term frequency.

    Args:
        options: `WORDS` or `CHARACTERS`.
        words: what words are; all but `plain` read texts alike however they are encoded.
        **more: of scikit-learn.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    cut = _CUTS.get(words)
    reading: dict[str, Any] = {"preprocessor": lowered} if cut else {}
    if options["analyzer"] == "word":
        reading |= {"tokenizer": cut, "token_pattern": None} if cut else {"token_pattern": PLAIN_WORD.pattern}
    return TfidfVectorizer(**options, **reading, sublinear_tf=True, **more)
