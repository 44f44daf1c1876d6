"""Where a backbone is: a known name, a local folder, an earlier artifact or a hub id, made into a verified folder.

A model folder from elsewhere gets no vote on code: only known architectures, only safetensors, no remote code.
"""

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator

from headstart.backbones import BACKBONES, KNOWN, TRANSFORMERS
from headstart.backbones.folders import NETWORK_FILES, read_json, stated_default_prompt, stated_prompts
from headstart.backbones.hub import fetch, refuse_other
from headstart.backbones.weights import SINGLE, weight_files, weights_digest
from headstart.config import Component, InputPath
from headstart.errors import MissingInputError, ModelError, UnavailableError
from headstart.manifest import refuse_changed
from headstart.registry import did_you_mean
from headstart.runtime.contained import digest_of

ARCHITECTURES = frozenset(
    [
        "albert",
        "bert",
        "camembert",
        "deberta",
        "deberta-v2",
        "distilbert",
        "electra",
        "ernie",
        "gpt2",
        "gpt_neo",
        "gpt_neox",
        "llama",
        "mistral",
        "modernbert",
        "mpnet",
        "mt5",
        "opt",
        "qwen2",
        "qwen3",
        "roberta",
        "t5",
        "umt5",
        "xlm-roberta",
        "xlnet",
        "gemma",
        "gemma2",
        "smollm3",
        "bloom",
    ]
)
"""Values of `model_type` that are loaded; each is code of the transformers library itself."""

CONFIG = "config.json"
AUTO = "auto"
"""In the place of a location: `mini` or `multi`, by the language of the training texts."""

ENCODE = "encode"
"""The ability that tasks need unless they say otherwise: to give the hidden states of texts."""
DECODE, GENERATE = "decode", "generate"
"""Abilities: to tell the words of a given text one by one, and to write one."""
HALVED = frozenset(["t5", "mt5", "umt5"])
"""Encoder-decoders of which the encoder alone is loaded unless something is to be written."""


Check = Callable[[Mapping[str, Any]], None]
"""Raises a ModelError where a configuration does not do; asked before weights are fetched or read."""


def _any(config: Mapping[str, Any]) -> None:
    """Every configuration does."""


class BackboneSource(Component):
    """Which pretrained network to start from."""

    location: InputPath = "mini"
    """A known name (`mini`, English; `multi`, a hundred languages; `smol`, which writes), `auto` (`mini` or `multi`, by the
    language of the training texts; `fit` and `compare` alone), a folder (`./mini` where it bears a known name), an earlier run of
    headstart, or a hub id such as `org/model`."""
    revision: str | None = None
    """Hub revision; the resolved recipe holds the full commit, 40 hexadecimal digits."""
    digest: str | None = None
    """SHA-256 of the weights, 64 hexadecimal digits; when given, other weights are refused."""
    max_length: int | None = None
    """Tokens read of each text, special tokens included, at least 8; by default what the model was made for."""


def _named(value: Any) -> Any:
    if isinstance(value, Path):
        return {"location": location_of(value)}
    return {"location": value} if isinstance(value, str) else value


def location_of(folder: Path) -> str:
    """The location of a folder, which a known name alone never means, whatever lies in the current folder."""
    return f"./{folder}" if str(folder) in KNOWN else str(folder)


Origin = Annotated[BackboneSource, BeforeValidator(_named)]
"""A source given as such, as a mapping or by its location alone."""


OWN = "headstart.json"
"""What headstart says of a folder that it wrote."""
COPY = "4-bit copy"
"""Said of a network whose weights are those of the published one rounded to four bits."""
NETWORK = "network"
"""Folder of the network in an artifact whose head is not the architecture's own: what reads the artifact for a classifier of
plain transformers finds none, where it would make up a head for it."""
LEARNED = "tokens_per_weight"
"""Key in it."""
GROWN = 20.0
"""Tokens per weight that a network should read (Hoffmann et al. 2022, "Training Compute-Optimal Large Language Models",
table 3)."""


@dataclass(frozen=True)
class Located:
    """A backbone folder that passed the checks, and its identity."""

    folder: Path
    source: BackboneSource
    identity: str
    """What to call it in cards and reports: the hub id, or the folder's name."""
    config: dict[str, Any]
    """The cleaned config.json."""
    license: str | None = None
    learned: float | None = None
    """Tokens per weight that headstart pretrained it on; None where others did."""
    prompts: Mapping[str, str] = field(default_factory=dict)
    """What stands in front of a text by its role, such as `query`."""
    default_prompt: str = ""
    """What stands in front of a text without a role."""

    @property
    def young(self) -> bool:
        """Whether it has read so little that its weights are nearer to random ones than to those of a published network."""
        return self.learned is not None and self.learned < GROWN


def backbone_class(config: Mapping[str, Any], needs: frozenset[str] = frozenset()) -> Any:
    """The class of backbones that opens networks of a configuration.

    Args:
        config: the content of a `config.json` of an architecture that is known.
        needs: what the class has to be able to do, see `Backbone.can`.

    Raises:
        ModelError: it cannot do what is needed.
    """
    kind = config["model_type"]
    writes = kind in HALVED and needs & {DECODE, GENERATE}
    found = BACKBONES.get("bart" if writes else kind if kind in BACKBONES.names() else TRANSFORMERS)
    if lacking := needs - found.can:
        raise ModelError(
            f"networks of the architecture {kind} cannot {' or '.join(sorted(lacking))}, which is needed here; they can "
            f"{', '.join(sorted(found.can))}"
        )
    return found


def abilities(config: Mapping[str, Any]) -> frozenset[str]:
    """What networks of a configuration can do, whichever class opens them; see `Backbone.can`."""
    kind = config["model_type"]
    found: frozenset[str] = BACKBONES.get(kind if kind in BACKBONES.names() else TRANSFORMERS).can
    return found | BACKBONES.get("bart").can if kind in HALVED else found


def architectures() -> list[str]:
    """Values of `model_type` that are loaded: those of transformers, and those that have a class of their own."""
    return sorted(ARCHITECTURES.union(BACKBONES.names()) - {TRANSFORMERS})


def locate(source: BackboneSource, needs: frozenset[str] = frozenset(), check: Check = _any) -> Located:
    """Find the folder of a backbone, fetch it from the hub if need be, and verify it.

    Args:
        source: which backbone.
        needs: what it has to be able to do, see `Backbone.can`; checked before weights are fetched or read.
        check: what else its configuration has to be.

    Raises:
        MissingInputError: a path that does not exist.
        UnavailableError: the hub cannot be reached or does not know the id.
        ModelError: wrong digest, no safetensors weights, an architecture that is not known or cannot do what is needed,
            or code of its own.
    """
    if source.location in KNOWN:
        return _known(source, needs, check)
    if source.location == AUTO:
        raise ModelError(
            f"only fit and compare choose a backbone by the texts; name one: {', '.join(KNOWN)}, a folder or a hub id"
        )
    path = Path(source.location).expanduser()
    is_path = source.location.startswith((".", "/", "~")) or source.location.count("/") > 1
    if path.is_dir() and (is_path or source.revision is None):  # only what is on the hub has revisions
        refuse_changed(path, [f"{home}{name}" for home in ("", f"{NETWORK}/") for name in NETWORK_FILES])
        return _verified(network_in(path), source, path.resolve().name, needs=needs, check=check)
    if is_path or path.is_file():
        raise MissingInputError(f"backbone '{source.location}' is not a folder{_nearby(path)}")
    folder, revision = _fetched(source.location, source.revision, needs, check)
    return _verified(folder, source.revised(revision=revision), source.location, needs=needs, check=check)


def network_in(folder: Path) -> Path:
    """The folder of the network in a folder: itself, or the one inside of an artifact that keeps it apart."""
    inside = folder / NETWORK
    is_artifact = (folder / "heads").is_dir() or (folder / OWN).is_file()
    is_apart = is_artifact and (inside / CONFIG).is_file() and not (folder / CONFIG).is_file()
    return inside if is_apart else folder


def _known(source: BackboneSource, needs: frozenset[str], check: Check) -> Located:
    card = importlib.import_module(KNOWN[source.location])
    digest, copied = card.SHA256, hasattr(card, "PACKED")
    if copied and source.digest != digest and (found := packed_file(source.location)) is not None:
        return _unpacked(source, card, found, needs, check)
    if source.digest not in (None, digest):
        raise ModelError(f"backbone '{source.location}' has the digest {digest}, the recipe asks for {source.digest}")
    length = source.max_length or card.MAX_LENGTH
    for place in _installed(card.PACKAGE) if not copied else ():
        weights = place / card.FOLDER / SINGLE
        if weights.is_file():
            folder = weights.resolve().parent  # installers may lay links into an environment
            pinned = source.revised(digest=digest, max_length=length)
            return _verified(folder, pinned, card.HUB_ID, card.LICENSE, needs, check)
    try:
        folder, revision = _fetched(card.HUB_ID, source.revision or card.REVISION, needs, check)
    except UnavailableError as error:
        raise UnavailableError(f"{error}\n{card.OFFLINE}") from None
    pinned = source.revised(digest=digest, max_length=length, revision=revision)
    return _verified(folder, pinned, card.HUB_ID, card.LICENSE, needs, check)


def packed_file(name: str) -> Path | None:
    """The file of an installed package with the copy of a known network in four bits; None where there is none.

    Args:
        name: of the network.
    """
    card = importlib.import_module(KNOWN[name])
    return next((file for place in _installed(card.PACKAGE) if (file := place / card.PACKED).is_file()), None)


def _installed(package: str | None) -> Iterator[Path]:
    """Where the files of a package lie, found without running it."""
    spec = importlib.util.find_spec(package) if package else None
    yield from map(Path, spec.submodule_search_locations or () if spec else ())


def _unpacked(source: BackboneSource, card: Any, file: Path, needs: frozenset[str], check: Check) -> Located:
    """The folder of a copy in four bits, unpacked once for all runs."""
    from headstart.backbones.unpacking import unpacked

    folder = unpacked(file, card)
    identity = f"{card.HUB_ID} ({COPY})"
    length = source.max_length or card.MAX_LENGTH
    return _verified(folder, source.revised(max_length=length), identity, card.LICENSE, needs, check)


def _fetched(hub_id: str, revision: str | None, needs: frozenset[str], check: Check) -> tuple[Path, str]:
    """All files of a hub id, after its configuration alone has passed the checks: weights can be many gigabytes."""
    folder, commit = fetch(hub_id, revision, (CONFIG,))
    _configuration(folder, needs, check)
    return fetch(hub_id, commit)  # of the same commit, whatever the branch has become


def _configuration(folder: Path, needs: frozenset[str], check: Check) -> dict[str, Any]:
    """The cleaned configuration in a folder, of an architecture that is known and can do what is needed."""
    config = read_json(folder, CONFIG)
    if config is None:
        raise ModelError(f"backbone folder {folder} has no {CONFIG}, so it holds no transformers model")
    kind, known = config.get("model_type"), architectures()
    if kind not in known:
        hint = did_you_mean(str(kind).strip("[]'\""), known)  # a list of one name is a slip too
        raise ModelError(f"{folder}: model_type {kind!r} is not one that is loaded{hint} ({', '.join(known)})")
    if needs:
        backbone_class(config, needs)
    check(config)
    return cleaned(config)


def _verified(
    folder: Path,
    source: BackboneSource,
    identity: str,
    license_name: str | None = None,
    needs: frozenset[str] = frozenset(),
    check: Check = _any,
) -> Located:
    config = _configuration(folder, needs, check)
    digest = weights_digest(folder)
    for name in weight_files(folder):
        refuse_other(folder / name, digest_of(folder, name))
    if source.digest is not None and digest != source.digest:
        raise ModelError(
            f"the weights in {folder} have the SHA-256 {digest}, expected {source.digest}: damaged or not the "
            "published ones; install or download them again"
        )
    prompts, default = stated_prompts(folder), stated_default_prompt(folder)
    if not prompts and identity in (known := _stated_here()):
        prompts, default = known[identity]
    return Located(
        folder, source.revised(digest=digest), identity, config, license_name, _learned(folder), prompts, default
    )


def _stated_here() -> dict[str, tuple[dict[str, str], str]]:
    """Prompts of known networks, and the one of texts without a role, by the hub id; their own folders say none."""
    cards = [importlib.import_module(module) for module in KNOWN.values()]
    return {card.HUB_ID: (card.PROMPTS, card.DEFAULT_PROMPT) for card in cards if hasattr(card, "PROMPTS")}


def _learned(folder: Path) -> float | None:
    try:
        said = (read_json(folder, OWN) or {}).get(LEARNED)
    except ModelError:
        return None
    return float(said) if isinstance(said, int | float) and not isinstance(said, bool) else None


def cleaned(value: Any) -> Any:
    """A config without the keys by which it could ask for code.

    These are `auto_map`, `trust_remote_code`, `custom_pipelines`, and `*_internal` and `*_implementation`, which can
    name kernels to be fetched from the hub.
    """
    if isinstance(value, dict):
        return {
            key: cleaned(item)
            for key, item in value.items()
            if key not in ("auto_map", "trust_remote_code", "custom_pipelines")
            and not key.endswith(("_internal", "_implementation"))
        }
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    return value


def _nearby(path: Path) -> str:
    parent = path.parent
    return did_you_mean(path.name, [entry.name for entry in parent.iterdir()]) if parent.is_dir() else ""
