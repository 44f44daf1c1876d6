"""The recipe of leaving pieces out of a network's vocabulary: `trim`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, Field

from headstart.backbones.location import BackboneSource, Origin
from headstart.config import Names, OutputPath
from headstart.corpora.source import TextSource
from headstart.recipes.base import Recipe
from headstart.recipes.raw_text import as_texts, placed


class Trim(Recipe):
    """A network keeps the pieces of its vocabulary that some texts need: a smaller folder that reads them as before.

    Example:
        headstart trim mini --texts examples/domain/guests.txt -o runs/mini-guests
    """

    verb: ClassVar[str] = "trim"
    positional: ClassVar[tuple[str, ...]] = ("backbone",)
    called: ClassVar[Mapping[str, str]] = {"texts": "texts"}

    backbone: Origin = Field(default_factory=BackboneSource)
    """The pretrained network: `mini`, a hub id, a folder or an earlier run."""
    data: Annotated[TextSource, BeforeValidator(as_texts)]
    """Texts in all languages that the network is to read."""
    held_out: Names = ()
    """Files with texts on which it is measured how they are cut up before and after; by default every fiftieth of the texts,
    which then does not count."""
    least_count: int = Field(default=1, ge=1)
    """Times that a piece has to occur in the texts to be kept, at least 1."""
    most_pieces: int | None = Field(default=None, ge=1)
    """Pieces that are kept at most for the texts, the most frequent ones, at least 1; single characters and special tokens
    are kept beside them. By default all that occur."""
    output: OutputPath | None = None
    """Folder to write; by default `runs/` and the name of the network."""
    overwrite: bool = False
    """Replace the folder if headstart wrote it."""

    def moved(self, directory: Path) -> Self:
        """A copy whose files, named as from `directory`, are found from elsewhere."""
        data = self.data.revised(texts=placed(self.data.texts, directory))
        return self.revised(data=data, held_out=placed(self.held_out, directory))
