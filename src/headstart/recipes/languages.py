"""The recipe of teaching a sentence encoder's vectors for another language, by lines that say the same: `distill-vectors`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field

from headstart.backbones.location import BackboneSource, Origin
from headstart.config import InputPath, Names, OutputPath
from headstart.data.languages import require_language
from headstart.recipes.base import LEAST_BUDGET, Recipe, Seconds, Seed, Threads
from headstart.runtime.device import Device
from headstart.runtime.precision import Precision
from headstart.training.settings import TextTraining, Training

LanguageCode = Annotated[str | None, AfterValidator(lambda code: None if code is None else require_language(code))]


class VectorTraining(TextTraining):
    """Settings of learning a teacher's vectors."""

    patience: int = Field(default=5, ge=1)
    """Rounds without a better translation retrieval on held-out lines after which learning stops, at least 1."""

    @property
    def loop(self) -> Training:
        """Settings of the training loop that say the same."""
        return super().loop.revised(patience=self.patience)


class DistillVectors(Recipe):
    """A sentence encoder is taught another language by line-aligned texts; also `headstart distill A B --teacher NAME`.

    Example:
        headstart distill-vectors examples/phrases/train.csv --columns en,de --vocabulary-size 500 --batch-tokens 256
    """

    verb: ClassVar[str] = "distill-vectors"
    positional: ClassVar[tuple[str, ...]] = ("source", "target")

    source: InputPath
    """File with lines that the teacher reads well, gzipped or not; or a table with a column for each language."""
    target: InputPath | None = None
    """File with the same lines in the language that is to be learnt; none where the first file is a table."""
    columns: Names = ()
    """Column(s) of the table, two: the one that the teacher reads, and its translation; by default the only two there are."""
    source_language: LanguageCode = None
    """Language of the lines that the teacher reads, such as `en`; by default what the file's name ends in, if that is a code."""
    target_language: LanguageCode = None
    """Language that is to be learnt, such as `de`; by default what the file's name ends in, if that is a code."""
    encoding: str | None = None
    """Encoding of the files, such as `cp1252`; by default UTF-8, or what a byte order mark says."""
    held_out: Names = ()
    """File(s) with further lines that translation retrieval is measured on, two that are aligned or one table; by default
    1,000 of the lines, or a tenth of fewer."""
    teacher: InputPath = "mini"
    """The sentence encoder that teaches: `mini`, a hub id, a folder or an earlier run; it has to read the source."""
    backbone: Origin = Field(default_factory=BackboneSource)
    """The network that the student begins as; by default the teacher's. Its states are as wide as the teacher's."""
    vocabulary: Literal["new", "trimmed", "extended", "kept"] = "new"
    """Pieces of the student: `new` ones learnt from the lines of both languages, those of its network `trimmed` to what they
    need, or `extended` by what is learnt from the target, or `kept` as they are."""
    vocabulary_size: int = Field(default=16_000, ge=300, le=1_000_000)
    """Pieces that are learnt at most, special ones included."""
    word_vectors: Literal["dictionary", "mean", "random"] = "dictionary"
    """Where the vectors of new pieces come from: copies of equal ones and the `mean` of old pieces, before these a `dictionary`
    found in the lines, or `random` numbers."""
    training: VectorTraining = Field(default_factory=VectorTraining)
    """Settings of the training loop."""
    budget: Seconds = Field(default=None, ge=LEAST_BUDGET)
    """Wall-clock time for the whole command, such as `90s`, `10m` or `1h`, at least 30 s; as many updates are planned as fit."""
    cache: bool = True
    """Keep the teacher's vectors on disk, so that they are not computed again."""
    seed: Seed = 0
    """Seed of all that is drawn at random, in [0, 2^32)."""
    threads: Threads = None
    """CPU threads; weights are the same again only at the same number. By default all cores."""
    device: Device = "auto"
    """Where networks compute: `cpu`, `cuda` (a GPU), or `auto`, a GPU where torch can use one."""
    precision: Precision = "auto"
    """Precision of matrix products: `auto` is `bfloat16` where processor or GPU has it, else `float32`."""
    output: OutputPath | None = None
    """Folder for the network, report and evidence; by default `runs/` and the name of the target."""
    overwrite: bool = False
    """Replace the output folder if an earlier run wrote it."""

    @property
    def student(self) -> BackboneSource:
        """The network that the student begins as."""
        is_usual = self.backbone == BackboneSource(max_length=self.backbone.max_length)
        return self.backbone.revised(location=self.teacher) if is_usual else self.backbone

    def moved(self, directory: Path) -> Self:
        """A copy whose files, named as from `directory`, are found from elsewhere."""
        target = None if self.target is None else str(directory / self.target)
        held = tuple(str(directory / name) for name in self.held_out)
        return self.revised(source=str(directory / self.source), target=target, held_out=held)
