"""Which weights move in which epoch, and how many of the lowest blocks stay as they are, so that passes may leave them out."""

from headstart.heads.model import Model
from headstart.training.stage import Stage


class Thawing:
    """The weights of a model that move in a stage, epoch by epoch.

    Args:
        model: whose parameters are frozen at once; those that move are thawed by `begin`.
        stage: says what moves, from which epoch on, and how passes are shortened.
    """

    def __init__(self, model: Model, stage: Stage) -> None:
        self.model = model
        self.stage = stage
        self.groups = [group for group in stage.groups if group.rate > 0]
        self.frozen = 0
        """Lowest blocks that passes leave out now."""
        for parameter in model.parameters():
            parameter.requires_grad_(False)

    def begin(self, epoch: int) -> None:
        """Let the weights of an epoch move, in training mode, and nothing else."""
        self.model.eval()
        for group in self.groups:
            moves = epoch >= group.from_epoch
            for module in group.modules:
                module.requires_grad_(moves)
                module.train(moves)
        self.shorten(epoch)

    def shorten(self, epoch: int) -> None:
        """Let passes start above the blocks that are frozen in this epoch, if there is a way."""
        if self.stage.shortcuts is None:
            return
        frozen = self._frozen(epoch)
        if frozen == self.frozen:
            return
        self.frozen = frozen
        left = sum(self._frozen(later) == frozen for later in range(epoch, self.stage.epochs))
        self.model.backbone.shortcut = self.stage.shortcuts(frozen, left) if frozen else None

    def _frozen(self, epoch: int) -> int:
        """How many of the lowest blocks are frozen in an epoch; 0 where the embeddings below them move."""
        moving = {
            id(parameter)
            for group in self.groups
            if epoch >= group.from_epoch
            for module in group.modules
            for parameter in module.parameters()
        }
        frozen = 0
        for part in self.model.backbone.blocks():
            if any(id(parameter) in moving for module in part for parameter in module.parameters()):
                break
            frozen += 1
        return max(frozen - 1, 0)
