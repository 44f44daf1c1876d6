"""What writes texts without a network: copies, word by word, and what was written for the nearest text before."""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from headstart.data.outputs import Generated
from headstart.errors import ModelError
from headstart.predictors.base import Predictor, Runtime, refuse_task
from headstart.runtime.contained import content, parsed
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task

LEXICON, SENTENCES = "lexicon.json", "sentences.json"
"""Files: a word for each word; texts with what was written for them."""
N_GRAMS, TOKEN, FEATURES = (1, 3), r"(?u)\w+|[^\w\s]", 2**22
"""Words in a row that texts have in common or not, what a word is, and places that they are hashed to."""
CHUNK = 1024
"""Texts whose nearest ones are looked for at once."""
_WORD = re.compile(r"\w+(?:[-'\u2019]\w+)*|[^\w\s]")
_BEFORE, _BEHIND = re.compile(r" (?=[.,;:!?%)\]}\u00bb\u201c])"), re.compile(r"(?<=[(\[{\u00ab\u201e]) ")


def words_of(text: str) -> list[str]:
    """Words and signs of a text."""
    return _WORD.findall(text)


class PlainWriter(Predictor):
    """Writes a text for each input by itself."""

    runtime: ClassVar[Runtime] = "numpy"

    def outputs(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> Generated:
        """Texts of inputs, in the order given; nothing is ever cut."""
        texts: list[str] = []
        for start in range(0, len(inputs), CHUNK):
            some = [str(each) for each in inputs[start : start + CHUNK]]
            texts += self.written(some)
            progress.advance(len(some))
        return Generated.of(texts)

    @abstractmethod
    def written(self, texts: Sequence[str]) -> list[str]:
        """What is written for some texts."""


class CopyPredictor(PlainWriter):
    """Writes the input again."""

    kind: ClassVar[str] = "copy"

    def written(self, texts: Sequence[str]) -> list[str]:
        """The texts as they are."""
        return list(texts)

    def save(self, folder: Path) -> dict[str, Any]:
        """Nothing is to be kept."""
        return {}

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> CopyPredictor:
        """Raises ModelError where the task writes nothing."""
        refuse_task(folder, cls.kind, task, suits=task.target_kind == "text")
        return cls(task)

    def usage(self) -> str:
        """A line that does the same."""
        return 'print("a text")'


class LexiconPredictor(PlainWriter):
    """Writes the likeliest word for each word of the input, in its order; words that are not known stay.

    Args:
        lexicon: a word for each word, in lower case on the side that is read.
        task: bound.
    """

    kind: ClassVar[str] = "lexicon"
    reads: ClassVar[tuple[str, ...]] = (LEXICON,)

    def __init__(self, lexicon: Mapping[str, str], task: Task[Any, Any]) -> None:
        super().__init__(task)
        self.lexicon = dict(lexicon)

    def written(self, texts: Sequence[str]) -> list[str]:
        """Word by word, the first letter a capital where that of the input is."""
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> str:
        said = " ".join(self.lexicon.get(word.lower(), word) for word in words_of(text))
        said = _BEHIND.sub("", _BEFORE.sub("", said))
        return said[:1].upper() + said[1:] if text[:1].isupper() else said

    def save(self, folder: Path) -> dict[str, Any]:
        """Write `lexicon.json`."""
        (folder / LEXICON).write_text(json.dumps(self.lexicon, ensure_ascii=True), encoding="utf-8")
        return {}

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> LexiconPredictor:
        """Read it back."""
        refuse_task(folder, cls.kind, task, suits=task.target_kind == "text")
        found = parsed(content(folder, LEXICON), folder / LEXICON)
        if not isinstance(found, dict) or not all(isinstance(word, str) for word in found.values()):
            raise ModelError(f"{folder / LEXICON} is damaged: expected a word for each word")
        return cls(found, task)

    def usage(self) -> str:
        """A few lines that do nearly the same."""
        return f'''import json
from pathlib import Path

lexicon = json.loads(Path("{LEXICON}").read_text())
print(" ".join(lexicon.get(word.lower(), word) for word in "a text".split()))  # signs and capitals are left out here'''


class NearestPredictor(PlainWriter):
    """Writes what stood beside the training text that has most in common with the input, by the cosine of counts of n-grams.

    Words and signs alone, in twos and in threes count as often as they stand in a text, all alike: rare words decide less than how
    much of a sentence is the same. They are hashed (Weinberger et al. 2009), so nothing but the pairs has to be kept.

    Args:
        pairs: texts with what was written for them.
        task: bound.
    """

    kind: ClassVar[str] = "nearest-sentence"
    reads: ClassVar[tuple[str, ...]] = (SENTENCES,)
    runtime: ClassVar[Runtime] = "sklearn"

    def __init__(self, pairs: Sequence[tuple[str, str]], task: Task[Any, Any]) -> None:
        super().__init__(task)
        from sklearn.feature_extraction.text import HashingVectorizer

        self.pairs = list(pairs)
        self.vectorizer = HashingVectorizer(
            ngram_range=N_GRAMS, token_pattern=TOKEN, n_features=FEATURES, alternate_sign=False
        )
        counts: Any = self.vectorizer.transform([text for text, _ in self.pairs])
        self.known = counts.T.tocsr()

    def written(self, texts: Sequence[str]) -> list[str]:
        """The one of the nearest text, of equally near ones the first."""
        cosines = self.vectorizer.transform(texts) @ self.known
        return [self.pairs[int(row.toarray().argmax())][1] for row in cosines]

    def save(self, folder: Path) -> dict[str, Any]:
        """Write `sentences.json`; words are counted again when it is read."""
        (folder / SENTENCES).write_text(json.dumps(self.pairs, ensure_ascii=True), encoding="utf-8")
        return {}

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> NearestPredictor:
        """Read them back."""
        refuse_task(folder, cls.kind, task, suits=task.target_kind == "text")
        found: Any = parsed(content(folder, SENTENCES), folder / SENTENCES)
        is_so = isinstance(found, list) and all(
            isinstance(pair, list) and len(pair) == 2 and all(isinstance(side, str) for side in pair) for pair in found
        )
        if not is_so or not any(words_of(text) for text, _ in found):
            raise ModelError(f"{folder / SENTENCES} is damaged: expected pairs of texts")
        return cls([(one, other) for one, other in found], task)

    def usage(self) -> str:
        """A few lines around scikit-learn."""
        return f'''import json
from pathlib import Path
from sklearn.feature_extraction.text import HashingVectorizer

pairs = json.loads(Path("{SENTENCES}").read_text())
vectorizer = HashingVectorizer(ngram_range={N_GRAMS}, token_pattern=r"{TOKEN}", n_features={FEATURES}, alternate_sign=False)
known = vectorizer.transform([text for text, _ in pairs])
print(pairs[(vectorizer.transform(["a text"]) @ known.T).toarray().argmax()][1])'''
