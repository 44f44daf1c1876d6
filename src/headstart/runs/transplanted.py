"""A pretrained network with a vocabulary learnt from the text that it is adapted to, and what that is worth at the start."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.backbones.location import Located
from headstart.errors import RecipeError
from headstart.recipes.raw_text import Adapt
from headstart.runs.networks import sample_of
from headstart.runs.parallel import cuts_remark, lexicon_of, read_parallel
from headstart.runs.vocabularies import FOLDER, exchanged, found_again, new_vocabulary, say_origins
from headstart.runtime.durable import damage
from headstart.runtime.progress import Progress
from headstart.runtime.team import Team

if TYPE_CHECKING:
    from headstart.corpora.survey import Survey
    from headstart.training.language import Learner

PROBED = 20
"""Updates of the head alone after which vectors of words are compared; a head of random weights says nothing of them."""


def transplanted_network(
    recipe: Adapt, located: Located, surveyed: Survey, place: Path, progress: Progress, team: Team
) -> tuple[Located, dict[str, Any]]:
    """The folder of a network with a vocabulary learnt from a text, and what is said of it.

    Args:
        recipe: says how large it is and where its vectors come from.
        located: the network before.
        surveyed: the text.
        place: folder of the run.
        progress: told where the vectors come from.
        team: processes of the run; the first one writes the folder.

    Raises:
        RecipeError: a dictionary is asked for, and there are no parallel lines.
        HeadstartError: network, text or lines can't be used.
    """
    if not team.rank and damage(place / FOLDER):
        _written(recipe, located, surveyed, place, progress)
    team.same(True)
    return found_again(located, place)


def _written(recipe: Adapt, located: Located, surveyed: Survey, place: Path, progress: Progress) -> None:
    from headstart.backbones.exchange import require_exchangeable, tokenizer_of
    from headstart.backbones.transplanting import is_lowercase
    from headstart.corpora.forecast import splits

    asked = recipe.transplant
    if asked.word_vectors == "dictionary" and not asked.parallel:
        raise RecipeError(
            ["word_vectors: a dictionary is found in parallel lines, and there are none; name some with --parallel"]
        )
    require_exchangeable(located)
    before, lexicon = tokenizer_of(located), dict[str, str]()
    if asked.parallel and asked.word_vectors in ("auto", "dictionary"):
        first, second = (*asked.parallel, None)[:2]
        lines = read_parallel(str(first), second, encoding=recipe.data.encoding)
        cuts = (splits(before, lines.sources[:500]), splits(before, lines.targets[:500]))
        for remark in [*lines.remarks, *filter(None, [cuts_remark(cuts, located.identity)])]:
            progress.say("lines", remark, warning=True)
        lexicon = lexicon_of(lines, lowercase=is_lowercase(before), seed=recipe.seed)
    vectors = ("dictionary" if lexicon else "mean") if asked.word_vectors == "auto" else asked.word_vectors
    after, origins = new_vocabulary(
        located, before, [*sample_of(surveyed)], how="new", size=asked.vocabulary_size, vectors=vectors, dictionary=lexicon,
        seed=recipe.seed,
    )  # fmt: skip
    pieces = after.get_vocab_size(with_added_tokens=True)
    say_origins(origins.counts, pieces, progress)
    said = {
        "how": "transplant",
        "word_vectors": vectors,
        "pieces": pieces,
        "before": before.get_vocab_size(),
        **origins.counts,
    }
    exchanged(located, before, after, origins.rows, place, said)


def initial_losses(learner: Learner) -> dict[str, float]:
    """Loss on held-out text with the transplanted vectors of words, and with random ones.

    Each is measured after the head has learnt alone for the same short while. The model is left as it was.

    Args:
        learner: of the training to come, before any.
    """
    import torch

    from headstart.training.best_weights import Parked
    from headstart.training.head_warmup import prime_for

    named, found = dict(learner.model.named_parameters()), {}
    table: Any = learner.model.backbone.network.get_input_embeddings()  # type: ignore[operator, union-attr]
    before = Parked(named)
    try:
        for name in ("random", "transplanted"):
            if name == "random":
                with torch.no_grad():
                    noise = torch.randn(table.weight.shape, generator=torch.Generator().manual_seed(learner.seed))
                    table.weight.copy_(noise.to(table.weight.device) * table.weight.std(0) + table.weight.mean(0))
            prime_for(learner, PROBED)
            found[name] = learner.held_loss()
            before.restore(named)
    finally:
        before.close()
    learner.progress.say(
        "vocabulary", f"loss {found['transplanted']:.3f} at the start, {found['random']:.3f} with random vectors"
    )
    return found
