"""The recurring span: a name is hidden in a sentence, and where else it stands in the text is to be found."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from headstart.data.pieces import Pieces
from headstart.data.recurring import END, recurring_spans
from headstart.data.store import Store
from headstart.errors import ModelError
from headstart.objectives.base import TextObjective

if TYPE_CHECKING:
    from torch import Tensor, nn

    from headstart.backbones.base import Backbone
    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.heads.base import Head
    from headstart.heads.model import Model

HEAD = "spans"
REACH = 24
"""Tokens on each side of a hidden span that stand in the question at most."""
WHICH = 1
"""Stream of what is drawn: which span is hidden, and which of its places."""


class SpanSelection(TextObjective):
    """Recurring span selection (Ram et al. 2021, section 3), in the form in which questions about texts are answered later.

    A span that stands in a text more than once is hidden in one place. The sentence around it, with one token for a hidden
    word, stands in the place of a question, the rest of the text in that of its context. First and last word of the span's other
    places are to be found, by the head that `question-answering` begins with then.

    Needs: `encode` of an encoder whose tokenizer has a token for a hidden word, and whose architecture has a head that finds spans.
    Inputs: raw text, best a passage of some sentences in each document.
    Loss: mean of the cross-entropies in nats of first and last word, over the words of the rest of the text; summed over texts
        with a recurring span, the others say nothing.
    See also: `masked-lm`, which learns words; the task `question-answering`.
    """

    name: ClassVar[str] = "span-selection"

    span_words: int = Field(default=10, ge=1, le=30)
    """Words of a recurring span at most, in [1, 30]."""

    def heads(self, backbone: Backbone, **options: Any) -> dict[str, Head]:
        """The head that finds spans, as the folder has it, else random.

        Raises:
            ModelError: the network has no such head, or its tokenizer no token for a hidden word.
        """
        from headstart.heads.span_map import span_head

        if "mask" not in backbone.tokenizer.special:
            raise ModelError(
                "its tokenizer has no token for a hidden word ([MASK], <mask>), which span-selection needs"
            )
        backbone.pairs = True
        return {HEAD: span_head(backbone)}

    def published(self, model: Model) -> nn.Module:
        """The network with the head that finds spans, a `...ForQuestionAnswering` of transformers."""
        from headstart.heads.span_map import with_span_head

        head: Any = model.heads[HEAD]
        return with_span_head(model.backbone, head.linear)

    def prepare(self, examples: Store[Any], tokenizer: TextTokenizer) -> Pieces:
        """Texts as rows, cut off at the length limit; special tokens around each."""
        return tokenizer.framing.pieces(examples.texts, direction=self.direction)

    def collate(self, prepared: Pieces, indices: np.ndarray, pad_id: int) -> dict[str, Tensor]:
        """Questions and contexts of the rows that have a recurring span.

        Returns:
            `ids` and `mask` of shape (rows, tokens); `spans` of the words of contexts, `counts` of them and their `targets`, see
            `heads.span_map.span_loss`. One row of padding without a target where no row has a recurring span.
        """
        import torch

        draws = prepared.drawn(indices, 2, WHICH)
        made = [self._asked(prepared, int(row), draw) for row, draw in zip(indices, draws, strict=True)]
        rows = [each for each in made if each is not None] or [([pad_id], [0], np.array([[-1.0, 0.0, 0.0]]))]
        width = max(len(ids) for ids, _, _ in rows)
        ids = np.full((len(rows), width), pad_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        spans = []
        for row, (own, places, _) in enumerate(rows):
            ids[row, : len(own)], mask[row, : len(own)] = own, 1
            spans += [(row, place, place + 1) for place in places]
        arrays = {
            "ids": ids,
            "mask": mask,
            "spans": np.array(spans, dtype=np.int64),
            "counts": np.array([len(places) for _, places, _ in rows], dtype=np.int64),
            "targets": np.concatenate([targets for _, _, targets in rows]).astype(np.float32),
        }
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def loss(self, model: Model, batch: dict[str, Tensor]) -> tuple[Tensor, float]:
        """Summed loss in nats, and the number of texts with a recurring span, 1 at least."""
        from headstart.backbones.base import Inputs
        from headstart.heads.span_map import span_loss

        encoding = model.encode(Inputs(batch["ids"], batch["mask"], batch["spans"]))
        return span_loss(model.heads[HEAD](encoding), batch["counts"], batch["targets"])

    def _asked(self, prepared: Pieces, row: int, draws: np.ndarray) -> tuple[list[int], list[int], np.ndarray] | None:
        """Tokens of a question and its context, places of the context's words, and their targets; None without a recurring span."""
        assert prepared.begins is not None
        assert prepared.kinds is not None
        assert prepared.hidden is not None
        piece = row % len(prepared)
        ids = [int(each) for each in prepared.read(int(prepared.starts[piece]), int(prepared.ends[piece]))]
        begins = [at for at, number in enumerate(ids) if at == 0 or prepared.begins[number]]
        bounds = [*begins, len(ids)]
        words = [tuple(ids[begin:end]) for begin, end in pairwise(bounds)]
        kinds = [int(prepared.kinds[word[0]]) for word in words]
        found = recurring_spans(words, kinds, self.span_words)
        if not found:
            return None
        places = found[int(draws[0] * len(found))]
        at = int(draws[1] * len(places))
        begin, end = _sentence(places, at, kinds, bounds)
        first, last = places[at]
        room = len(prepared.before) + len(prepared.between)
        question = [*ids[bounds[begin] : bounds[first]], prepared.hidden, *ids[bounds[last] : bounds[end]]]
        kept = [word for word in range(len(words)) if not begin <= word < end]
        context = [token for word in kept for token in words[word]]
        context = context[
            : len(ids) - len(question)
        ]  # special tokens between the two are one more than around one text
        starts = room + len(question) + np.cumsum([0, *(len(words[word]) for word in kept)])[:-1]
        number = {word: place for place, word in enumerate(kept) if starts[place] < room + len(question) + len(context)}
        others = [
            span for other, span in enumerate(places) if other != at and span[0] in number and span[1] - 1 in number
        ]
        if not others:
            return None
        targets = np.zeros((len(number), 3))
        for one, behind in others:
            targets[number[one], 1] += 1 / len(others)
            targets[number[behind - 1], 2] += 1 / len(others)
        tokens = [*prepared.before, *question, *prepared.between, *context, *prepared.after]
        return tokens, starts[: len(number)].tolist(), targets


def _sentence(places: list[tuple[int, int]], at: int, kinds: list[int], bounds: list[int]) -> tuple[int, int]:
    """The words around a place of a span up to the ends of the sentence, no other place and few tokens among them."""
    first, last = places[at]
    least = places[at - 1][1] if at else 0
    most = places[at + 1][0] if at + 1 < len(places) else len(kinds)
    begin, end = first, last
    while begin > least and kinds[begin - 1] != END and bounds[first] - bounds[begin - 1] <= REACH:
        begin -= 1
    while end < most and bounds[end + 1] - bounds[last] <= REACH:
        end += 1
        if kinds[end - 1] == END:
            break
    return begin, end
