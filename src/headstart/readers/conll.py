"""CoNLL columns: one word per line with its tag beside it, an empty line between sentences."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator

from headstart.readers.base import Reader
from headstart.readers.sentences import read_sentences, write_sentences
from headstart.types import Sheet


def _separator(value: Any) -> Any:
    return {"\t": "tab", " ": "space"}.get(value, value)


class Conll(Reader):
    """CoNLL columns (Tjong Kim Sang & De Meulder 2003, section 2.1): a row is a sentence.

    - The column with the words is `tokens`, that with their tags `tags`, both told by content: the first column that does not
      count words or name a document, and the last that looks like tags. The others are `column_2` and so on, or have the
      names that the file says in its first line or is known by (CoNLL-U). Each value is a JSON list with an entry per word.
      A file of words alone has the column `tokens`.
    - Words are split at tabs where most lines have one, else at runs of blanks.
    - Lines that begin with -DOCSTART- are no rows; nor are comments: lines that begin with `#` before the first word of a
      sentence, unless they have as many columns as the others and their last one is a tag.
    - Where words are counted, numbers such as 3-4 and 3.1 are several words written as one and words that are not written
      (CoNLL-U); these are left out.
    - Dropped with line and reason: a sentence with a line of another number of columns, or with an empty word.
    """

    name: ClassVar[str] = "conll"
    by_word: ClassVar[bool] = True
    extensions: ClassVar[tuple[str, ...]] = (
        ".conll", ".bio", ".iob", ".iob2", ".bioes", ".iobes", ".bilou", ".bmes",
    )  # fmt: skip

    encoding: str | None = None
    """Encoding of the file, such as `cp1252`; None: UTF-8, or UTF-16 and UTF-32 where the file says so."""
    delimiter: Annotated[Literal["tab", "space"] | None, BeforeValidator(_separator)] = None
    """What stands between a word and its tag: `tab`, `space` (any number of blanks), or found if not given."""

    def read(self, path: Path) -> Sheet:
        """See `Reader.read`."""
        return read_sentences(path, self.encoding, self.delimiter)

    def write(self, path: Path, columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
        """See `Reader.write`; each value has to be a JSON list of texts, all of a row equally long.

        Raises:
            DataError: a value is something else, or a word has a tab or a line end in it.
        """
        write_sentences(path, self.encoding, columns, rows)
