"""What a user may set about training by gradient; no torch here."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from headstart.config import Component, seconds


class Training(Component):
    """Settings of the training loop, shared by every strategy that trains by gradient."""

    epochs: int | None = Field(default=None, ge=1, le=1000)
    """Passes over the training rows, in [1, 1000]; by default the strategy's own number."""
    learning_rate: float | None = Field(default=None, gt=0, le=1)
    """Highest learning rate, in (0, 1]; by default the strategy's own."""
    batch_size: int = Field(default=32, ge=1, le=4096)
    """Rows per update on average, in [1, 4096]; batches hold rows of like length."""
    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of updates during which the learning rate rises, in [0, 1); then it falls linearly to 0."""
    weight_decay: float = Field(default=0.01, ge=0, le=1)
    """Decoupled weight decay of the layers (not of heads, biases and norms), in [0, 1]."""
    max_grad_norm: float = Field(default=1.0, gt=0)
    """Gradients are scaled down to this norm, over 0."""
    patience: int | None = Field(default=None, ge=1)
    """Epochs without improvement on validation after which training stops, at least 1; by default 2, and none in fine-tuning
    on words, whose best epoch is often behind two that are not better."""
    stop_after: int | None = Field(default=None, ge=1, le=1000)
    """Epoch after which training ends though the learning rate's schedule spans all `epochs`, in [1, 1000]; none by
    default. Resolved recipes hold it where a budget ended training early."""
    sample: int | None = Field(default=None, ge=2)
    """Training rows that a strategy learns from at most, at least 2, drawn at random; by default all. Resolved recipes hold it
    where a budget was too short for all rows; under cross-validation it does not apply."""
    checkpoint_every: Annotated[float, BeforeValidator(seconds)] = Field(default=30.0, ge=0)
    """Time between two checkpoints, such as `30s` or `5m`; 0 writes one after every update. A run that is killed loses at
    most so much work, and one that is stopped none."""

    @property
    def waits(self) -> int:
        """`patience`, or what it is by default."""
        return 2 if self.patience is None else self.patience


class TextTraining(Component):
    """Settings of learning from raw text."""

    updates: int | None = Field(default=None, ge=1, le=10_000_000)
    """Steps of the optimiser, at least 1; by default what `epochs` or the budget comes to."""
    epochs: float | None = Field(default=None, gt=0, le=10_000)
    """Passes over the text, over 0; by default one, or more where the text is small."""
    batch_tokens: int = Field(default=4096, ge=8, le=16_777_216)
    """Tokens per update on average, at least 8."""
    block_length: int = Field(default=256, ge=8, le=65_536)
    """Tokens of a row at most, special ones included, at least 8; longer documents are cut into rows of equal length."""
    learning_rate: float | None = Field(default=None, gt=0, le=1)
    """Highest learning rate, in (0, 1]; by default what suits the size of the network."""
    optimizer: Literal["adamw", "muon"] | None = None
    """`adamw`, or `muon` for the matrices of layers with AdamW for the rest; by default `muon` for pre-training and
    `adamw` for adapting."""
    warmup: float = Field(default=0.06, ge=0, lt=1)
    """Share of updates during which the learning rate rises, in [0, 1); then it falls linearly to 0."""
    weight_decay: float = Field(default=0.01, ge=0, le=1)
    """Decoupled weight decay of matrices (not of biases and norms), in [0, 1]."""
    max_grad_norm: float = Field(default=1.0, gt=0)
    """Gradients are scaled down to this norm, over 0."""
    rounds: int = Field(default=20, ge=1, le=10_000)
    """How often the loss on held-out text is measured, at least 1, less often under a budget that this would take too much
    of; the weights of the best time are kept."""
    measured_tokens: int | None = Field(default=None, ge=1)
    """Tokens of held-out text that it is measured on, at least 1; by default all that is held out or, under a budget that
    measuring would take more than 4 % of, as much as fits into that."""
    l2_sp: float = Field(default=0.0, ge=0, le=1000)
    """Pull towards the weights before, against forgetting, at least 0 (L2-SP: Li et al. 2018); 0 for none."""
    checkpoint_every: Annotated[float, BeforeValidator(seconds)] = Field(default=30.0, ge=0)
    """Time between two checkpoints, such as `30s` or `5m`; 0 writes one after every update."""

    @property
    def loop(self) -> Training:
        """Settings of the training loop that say the same; nothing ends it early."""
        return Training(
            warmup=self.warmup,
            weight_decay=self.weight_decay,
            max_grad_norm=self.max_grad_norm,
            patience=self.rounds + 1,
            checkpoint_every=self.checkpoint_every,
        )
