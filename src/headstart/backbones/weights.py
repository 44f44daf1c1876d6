"""The weights of a folder in the hub's format: which files they are, what they hold, and the digest of just these bytes.

`model.safetensors`, or the files that `model.safetensors.index.json` names; no key of a configuration and no other file has a say.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

from safetensors import SafetensorError, safe_open

from headstart.backbones.folders import own_file, read_json
from headstart.errors import ModelError
from headstart.runtime.contained import MOST_TENSORS, contained, digest_of, is_plain, refuse_other_length

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
ENDING = ".safetensors"
FILES_LIMIT = 1000
"""Most files that an index may name."""
FORMER = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
"""Ends of names of weights, and what they were once called; transformers takes the one for the other."""


def weight_files(folder: Path) -> tuple[str, ...]:
    """Names of the files that hold a folder's weights, in order; all of them are there.

    Raises:
        ModelError: there are none, or the index names something else than regular safetensors files right in the folder.
    """
    if own_file(folder, SINGLE):
        return (SINGLE,)
    index = read_json(folder, INDEX)
    if index is None:
        adapter = (
            " (it holds an adapter alone; merge it with its network)" if own_file(folder, "adapter_config.json") else ""
        )
        raise ModelError(
            f"{folder} has no {SINGLE}; pickled weights (.bin, .pt) are never read: convert them to safetensors{adapter}"
        )
    return _indexed(folder, index)


def _indexed(folder: Path, index: Mapping[str, Any]) -> tuple[str, ...]:
    named = index.get("weight_map")
    where = folder / INDEX
    if not isinstance(named, dict) or not named or not all(isinstance(name, str) for name in named.values()):
        raise ModelError(f"{where} has no 'weight_map' that names a file for each tensor")
    files = tuple(sorted(set(named.values())))
    if len(files) > FILES_LIMIT:
        raise ModelError(f"{where} names {len(files):,} files, more than the {FILES_LIMIT:,} that are read")
    for name in files:
        if not is_plain(name) or "/" in name or not name.endswith(ENDING):
            raise ModelError(
                f"{where} names {name[:200]!a}; only plain names of {ENDING} files in the same folder are read as weights"
            )
        if own_file(folder, name) is None:
            raise ModelError(f"{where} names {name}, which is not there; download the folder again")
    return files


def weights_digest(folder: Path) -> str:
    """SHA-256 of model.safetensors; for weights in several files, of their digests in order of name.

    Raises:
        ModelError: there are no weights, see `weight_files`.
    """
    return joint_digest({name: digest_of(folder, name) for name in weight_files(folder)})


def joint_digest(digests: Mapping[str, str]) -> str:
    """The digest of weights by those of their files."""
    if SINGLE in digests:
        return digests[SINGLE]
    return hashlib.sha256("".join(digests[name] for name in sorted(digests)).encode()).hexdigest()


@contextmanager
def opened_weights(
    folder: Path, digest: str | None, *, framework: Literal["pt", "np"] = "pt"
) -> Iterator[dict[str, Any]]:
    """The tensors of a folder by name, as slices of safetensors that are read when they are asked for.

    Args:
        folder: of a model.
        digest: what the weights must have before and after the block; None where any do.
        framework: `pt` for tensors of torch, `np` for arrays.

    Raises:
        ModelError: no weights, other ones, a damaged file, or files that contradict each other.
    """
    _require(folder, digest)
    files = weight_files(folder)
    with ExitStack() as held:
        found: dict[str, Any] = {}
        try:
            for name in files:
                refuse_other_length(folder, name)
                file = held.enter_context(safe_open(str(contained(folder, name)), framework=framework))
                for tensor in file.keys():  # noqa: SIM118
                    if tensor in found:
                        raise ModelError(f"the weights in {folder} cannot be loaded: {tensor} is in two files")
                    found[tensor] = file.get_slice(tensor)
                if len(found) > MOST_TENSORS:
                    raise ModelError(f"the weights in {folder} have over {MOST_TENSORS:,} tensors, more than are read")
        except (OSError, SafetensorError) as error:
            raise ModelError(f"the weights in {folder} cannot be loaded: {str(error).strip()[:300]}") from None
        if files != (SINGLE,):
            _refuse_unheld(folder, found)
        _refuse_two_names(folder, found)
        yield found
    _require(folder, digest)


def _require(folder: Path, digest: str | None) -> None:
    if digest is not None and (found := weights_digest(folder)) != digest:
        raise ModelError(
            f"the weights in {folder} have the SHA-256 {found}, expected {digest}: damaged or not the "
            "published ones; install or download them again"
        )


def _refuse_unheld(folder: Path, found: Mapping[str, Any]) -> None:
    """Refuse an index that names tensors which no file has."""
    lacking = sorted(set((read_json(folder, INDEX) or {}).get("weight_map", {})) - set(found))
    if lacking:
        raise ModelError(f"the weights in {folder} cannot be loaded: {lacking[0]} is in {INDEX} and in no file")


def former(name: str) -> str:
    """What a weight was once called; its name where that has not changed."""
    return next((name.removesuffix(now) + then for now, then in FORMER.items() if name.endswith(now)), name)


def _refuse_two_names(folder: Path, found: Mapping[str, Any]) -> None:
    """Refuse a weight that is there under two names: which of them counts would hang on who reads it."""
    for name in found:
        if (other := former(name)) != name and other in found:
            raise ModelError(
                f"the weights in {folder} cannot be loaded: {name} is there twice, also by its former name {other}"
            )
