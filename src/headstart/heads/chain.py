"""A chain over the tags of a sentence on top of a head: how well each tag follows the one before it, learnt."""

import torch
from torch import Tensor, nn


class TagChain(nn.Module):
    """Linear-chain conditional random field (Lafferty et al. 2001; on networks Lample et al. 2016, section 2.2).

    A sequence of tags scores the sum of what the head gives its words and of the transitions between neighbours; its
    probability is the softmax of that over all sequences. Transitions start at 0, where the chain is the head alone.

    Args:
        tags: how many there are.
    """

    factor: Tensor

    def __init__(self, tags: int) -> None:
        super().__init__()
        self.transitions = nn.Parameter(torch.zeros(tags, tags))
        """Score of the second tag after the first, shape (tags, tags)."""
        self.register_buffer("factor", torch.ones(()))
        """What log-marginals are multiplied by so that they are calibrated, shape (); 1 in training."""

    def forward(self, scores: Tensor, counts: Tensor) -> Tensor:
        """Logarithms of the probability of each tag of each word, times `factor`: softmax gives the probabilities back.

        Args:
            scores: what the head gives, one sentence's words after the other's, shape (words, tags).
            counts: words of each sentence, int64, shape (sentences,).

        Returns:
            Shape (words, tags), float32; other sentences of the batch have no influence.
        """
        if not len(scores):
            return scores.float()
        padded, place = _laid_out(scores.float(), counts)
        forward, _ = self._forward(padded, place.inside)
        return self.factor * (forward + self._backward(padded, place.inside))[place.at].log_softmax(1)

    @torch.no_grad()
    def set(self, transitions: Tensor) -> None:
        """Put fitted transitions in, of shape (tags, tags)."""
        self.transitions.copy_(transitions)

    def loss(self, scores: Tensor, targets: Tensor, counts: Tensor) -> Tensor:
        """Negative logarithm of the probability of the true sequences, in nats, summed over sentences.

        Args:
            scores: as above.
            targets: index of the tag of each word, shape (words,).
            counts: as above.
        """
        scores = scores.float()  # sums over many places, in log space: bfloat16 would not do
        padded, place = _laid_out(scores, counts)
        _, total = self._forward(padded, place.inside)
        goes_on = place.at[1][1:] > 0  # whether a word, from the second on, has one before it in its sentence
        steps = self.transitions.float()[targets[:-1], targets[1:]][goes_on]
        return total.sum() - scores.gather(1, targets[:, None]).sum() - steps.sum()

    def _forward(self, padded: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probability of each tag given the words up to its own, and the log of the partition function.

        Their shapes are (sentences, places, tags) and (sentences,); each place is normalised, so that numbers stay small.
        """
        transitions = self.transitions.float()
        total = padded[:, 0].logsumexp(1)
        found = [padded[:, 0] - total[:, None]]
        for at in range(1, padded.shape[1]):
            here = (found[-1][:, :, None] + transitions).logsumexp(1) + padded[:, at]
            size = here.logsumexp(1)
            total = total + torch.where(inside[:, at], size, 0.0)
            found.append(here - size[:, None])
        return torch.stack(found, 1), total

    def _backward(self, padded: Tensor, inside: Tensor) -> Tensor:
        """Log of the sum over what may follow each tag, up to a constant for each place, shape (sentences, places, tags)."""
        transitions = self.transitions.float()
        found = [torch.zeros_like(padded[:, 0])]
        for at in range(padded.shape[1] - 1, 0, -1):
            ahead = (transitions + (padded[:, at] + found[-1])[:, None, :]).logsumexp(2)
            found.append(torch.where(inside[:, at, None], ahead.log_softmax(1), 0.0))
        return torch.stack(found[::-1], 1)


class _Places:
    """Where words of sentences are in an array of shape (sentences, places)."""

    def __init__(self, counts: Tensor) -> None:
        counts = counts[counts > 0]
        row = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
        place = torch.arange(len(row), device=counts.device) - (counts.cumsum(0) - counts)[row]
        self.at = row, place
        """The sentence of each word and its place there, two int64 tensors of shape (words,)."""
        self.inside = torch.arange(int(counts.max()), device=counts.device) < counts[:, None]
        """Whether a sentence has a word at a place."""


def _laid_out(scores: Tensor, counts: Tensor) -> tuple[Tensor, _Places]:
    """Scores side by side, shape (sentences, places, tags), padded with 0 on the right."""
    places = _Places(counts)
    padded = scores.new_zeros(*places.inside.shape, scores.shape[1])
    return padded.index_put(places.at, scores), places
