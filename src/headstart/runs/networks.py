"""The network of a run on raw text: made by configuration with a tokenizer from the text, or a pretrained one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.backbones import KNOWN
from headstart.backbones.folders import own_file, read, read_json
from headstart.backbones.location import CONFIG, BackboneSource, Located, architectures, backbone_class, cleaned, locate
from headstart.errors import ModelError
from headstart.recipes.raw_text import Adapt, LanguageModelling, Pretrain
from headstart.runtime.durable import damage, sealed, write_json
from headstart.runtime.precision import is_fast
from headstart.runtime.progress import Progress
from headstart.runtime.team import Team

if TYPE_CHECKING:
    from headstart.backbones.base import Backbone
    from headstart.corpora.survey import Survey
    from headstart.heads.model import Model

TOKENIZER_TEXT = 50_000_000
"""Characters that a tokenizer is trained on at most."""


def found_network(recipe: LanguageModelling) -> Located | None:
    """The folder of the pretrained network that learning starts from; None where the network is yet to be made.

    Raises:
        ModelError: it cannot do what the objective needs, or is otherwise unfit; said before weights or text are fetched.
    """
    needs = recipe.objective.needs
    if isinstance(recipe, Adapt):
        return locate(recipe.backbone, needs)
    if isinstance(recipe, Pretrain) and (kind := _architecture(recipe)) in architectures():
        backbone_class({"model_type": kind}, needs)
    return None


def made_network(recipe: LanguageModelling, surveyed: Survey, place: Path, progress: Progress, team: Team) -> Located:
    """The folder of a network that is made by configuration, without weights, and of its tokenizer."""
    if not isinstance(recipe, Pretrain):
        raise TypeError(f"a {type(recipe).__name__} makes no network")
    folder = place / "network"
    if not team.rank and damage(folder):
        progress.begin("tokenizer", 1)
        with sealed(folder) as made:
            _configure(recipe, surveyed, made)
        progress.end()
    team.same(True)
    config = cleaned(read_json(folder, CONFIG) or {})
    source = BackboneSource(location=str(folder), max_length=recipe.training.block_length)
    return Located(folder, source, f"{_architecture(recipe)}-{recipe.network.size}", config)


def _architecture(recipe: Pretrain) -> str:
    """The architecture, folder or hub id that is asked for, or what suits the objective."""
    usual = "gpt2" if getattr(recipe.objective, "direction", "") == "causal" else "bert"
    return recipe.network.architecture or usual


def _configure(recipe: Pretrain, surveyed: Survey, folder: Path) -> None:
    """Write configuration and tokenizer of a new network."""
    from headstart.backbones.configured import DECODERS, ENCODERS, configuration
    from headstart.backbones.folders import BESIDE, PROMPTS, SETTINGS, WHOLE
    from headstart.backbones.vocabulary import KIND_OF, save_tokenizer, special_ids, train_tokenizer

    network, length = recipe.network, recipe.training.block_length
    kind = _architecture(recipe)
    if kind not in (*ENCODERS, *DECODERS):
        place = Path(kind).expanduser()
        # A folder of one's own need not have weights, which are not used.
        place = (
            place
            if kind not in KNOWN and (place / CONFIG).is_file()
            else locate(BackboneSource(location=kind), recipe.objective.needs).folder
        )
        for name in (CONFIG, WHOLE, SETTINGS, PROMPTS, *BESIDE):
            if (content := read(place, name)) is not None:
                (folder / name).write_bytes(content)
        _require_known(folder)
        return
    tokenizer = train_tokenizer(
        sample_of(surveyed),
        kind=KIND_OF[kind] if network.tokenizer == "auto" else network.tokenizer,
        size=network.vocabulary_size,
        lowercase=network.lowercase,
        decoder=kind in DECODERS,
        architecture=kind,
    )
    save_tokenizer(tokenizer, folder, max_length=length)
    config = configuration(
        kind,
        size=network.size,
        vocabulary=tokenizer.get_vocab_size(with_added_tokens=True),
        positions=max(length, 512),
        layers=network.network_layers,
        hidden=network.hidden_size,
        heads=network.attention_heads,
        special=special_ids(tokenizer),
    )
    write_json(folder / "config.json", config)


def _require_known(folder: Path) -> None:
    """Refuse a configuration of an architecture that is not known, or one without its tokenizer."""
    kind = (read_json(folder, CONFIG) or {}).get("model_type")
    if kind not in (known := architectures()):
        raise ModelError(f"model_type {kind!r} is not one that is known ({', '.join(known)})")
    if own_file(folder, "tokenizer.json") is None:
        raise ModelError(f"there is no tokenizer.json beside the configuration of {kind}; give a folder that has both")


def sample_of(surveyed: Survey) -> Iterator[str]:
    """Texts that a tokenizer is learnt from: all, or the first of them."""
    from headstart.corpora.documents import segments

    seen = 0
    for segment in segments(surveyed):
        yield segment.text
        seen += len(segment.text)
        if seen > TOKENIZER_TEXT:
            return


def model_of(
    recipe: LanguageModelling, located: Located, pretrained: bool, team: Team, device: str = "cpu"
) -> tuple[Model, Backbone]:
    """The network with the heads that the objective asks for.

    Raises:
        ModelError: it cannot do what the objective needs, its tokenizer belongs to another network, or it has no such head.
    """
    import torch

    from headstart.backbones.base import open_backbone
    from headstart.backbones.vocabulary import check_belongs
    from headstart.heads.model import Model

    torch.manual_seed(recipe.seed)
    backbone = open_backbone(located, needs=recipe.objective.needs, pretrained=pretrained)
    backbone.to(device)
    backbone.fast = is_fast(recipe.precision, device)
    check_belongs(backbone.tokenizer.plain, located.config)
    return Model(backbone, recipe.objective.heads(backbone), team), backbone
