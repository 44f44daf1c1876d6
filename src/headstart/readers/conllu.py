"""CoNLL-U: ten columns for each word, of which the form and its part of speech are read, or tags where a column has them."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from headstart.readers.base import Reader
from headstart.readers.sentences import read_sentences, write_sentences
from headstart.types import Sheet


class ConllU(Reader):
    """CoNLL-U and CoNLL-U Plus (universaldependencies.org/format.html), read as `Conll` reads columns.

    - The columns are `id`, `tokens` (the form), `lemma`, `tags` (upos; xpos where that says nothing; another where that has
      positions and types such as B-PER), `xpos` and so on.
    """

    name: ClassVar[str] = "conllu"
    by_word: ClassVar[bool] = True
    extensions: ClassVar[tuple[str, ...]] = (".conllu", ".conllup")

    encoding: str | None = None
    """Encoding of the file, such as `cp1252`; None: UTF-8, or UTF-16 and UTF-32 where the file says so."""

    def read(self, path: Path) -> Sheet:
        """See `Reader.read`."""
        return read_sentences(path, self.encoding)

    def write(self, path: Path, columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
        """See `Reader.write`; raises as `Conll.write`."""
        write_sentences(path, self.encoding, columns, rows)
