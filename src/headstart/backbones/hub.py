"""The Hugging Face hub: files of a model, fetched or found in its cache, and each what its name in the cache says it is."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

from headstart.backbones import KNOWN
from headstart.backbones.folders import NETWORK_FILES
from headstart.errors import ModelError, StorageError, UnavailableError
from headstart.registry import did_you_mean
from headstart.runtime.contained import MOST_BYTES, opened

FILES = ("*.json", "*.safetensors", "*.txt", "*.model")
"""What a backbone needs of a repository."""
BLOBS = "blobs"
"""Folder of the cache with the content of files under its digest; what bears the file's name is a link to there."""
REFUSED = frozenset(
    {
        errno.EACCES,
        errno.EDQUOT,
        errno.EEXIST,
        errno.EFBIG,
        errno.EIO,
        errno.ENOSPC,
        errno.ENOTDIR,
        errno.EPERM,
        errno.EROFS,
    }
)
"""What says that the disk is to blame and not the hub."""
LONGEST_REFERENCE = 1000
"""Bytes of the file with the commit of a branch."""
MOST_BEGINNINGS = 20
"""Times that the files of a download may begin anew."""
_TAG = re.compile(r'(?:W/)?"?[\w+=:-][\w.+=:-]{0,200}"?')
_COMMIT = re.compile("[0-9a-f]{40}")
_SHA256 = re.compile("[0-9a-f]{64}")
_DIGEST = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")


def fetch(hub_id: str, revision: str | None, files: Sequence[str] = FILES) -> tuple[Path, str]:
    """Download (or find in the cache) the files of a hub id; return the folder and the full commit.

    Args:
        hub_id: such as `org/model`.
        revision: a branch, tag or commit; the newest if None.
        files: patterns of their names.

    Raises:
        UnavailableError: no network and not in the cache, no such id or revision, or what answers is no hub.
        StorageError: the cache cannot be written.
        ModelError: a file in the cache is not what came from the hub.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.constants import HF_HUB_CACHE

    offline = os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0")
    options: dict[str, Any] = {"allow_patterns": list(files), "local_files_only": offline}
    _refuse_odd_reference(Path(HF_HUB_CACHE, f"models--{hub_id.replace('/', '--')}", "refs", revision or "main"))
    try:
        with _watched():
            folder = Path(
                _apart(partial(snapshot_download, hub_id, revision=revision, tqdm_class=_patient(), **options))
            )
    except Exception as error:  # an answer that is none makes the client raise whatever its parsers do
        if isinstance(error, OSError) and error.errno in REFUSED:
            raise StorageError(
                f"'{hub_id}' cannot be kept in {HF_HUB_CACHE}: {error.strerror or error}; make room, or name another folder with "
                "the environment variable HF_HOME"
            ) from None
        hint = did_you_mean(hub_id, list(KNOWN))
        reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
        raise UnavailableError(
            f"backbone '{hub_id}' is neither a known name ({', '.join(KNOWN)}) nor a folder here, and the hub did "
            f"not give it{hint}: {reason}"
        ) from None
    if not _COMMIT.fullmatch(folder.name):
        raise UnavailableError(
            f"the cache of the hub has no commit for '{hub_id}' but {folder.name[:80]!r}; remove its folder in {HF_HUB_CACHE}"
        )
    if os.path.realpath(folder) != os.path.join(os.path.realpath(folder.parents[2]), *folder.parts[-3:]):
        raise ModelError(f"{folder} is a link to a place outside of the cache, which is never followed; remove it")
    _refuse_unpinned(folder)
    return folder, folder.name


def kept_here(hub_id: str, revision: str) -> bool:
    """Whether the cache of the hub has a revision, or has begun to fetch it."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE, f"models--{hub_id.replace('/', '--')}", "snapshots", revision).is_dir()


def _refuse_odd_reference(place: Path) -> None:
    """Refuse what is no short file where the cache keeps the commit of a branch: the client would read it to its end."""
    with suppress(OSError, ValueError):
        found = os.lstat(place)
        if not stat.S_ISREG(found.st_mode) or found.st_size > LONGEST_REFERENCE:
            raise ModelError(f"{place} is no file with a commit, as the cache of the hub has it; remove it")


def _refuse_unpinned(folder: Path) -> None:
    """Refuse files of a snapshot that are not what came from the hub.

    Raises:
        ModelError: the content is another, or what is there is no link to a blob with a digest for its name. Where there are no
            links at all, the disk of the cache knows none.
    """
    own = sorted(path for path in folder.glob("*") if path.name in NETWORK_FILES or path.suffix == ".safetensors")
    has_links = any(path.is_symlink() for path in own)
    for path in own:
        if path.is_symlink() and not _DIGEST.fullmatch(Path(os.readlink(path)).name):
            raise ModelError(
                f"{path} is a link to what has no digest for its name, so it cannot be told whether it came from the hub; "
                f"remove {folder.parents[1]} and fetch it again"
            )
        if has_links and path.is_file() and not path.is_symlink():
            raise ModelError(
                f"{path} is not what came from the hub: it is a file of its own, where the cache has links to what came; "
                f"remove {folder.parents[1]} and fetch it again"
            )
        if path.suffix != ".safetensors":  # the digest of weights is asked for when they are read
            refuse_other(path)


def _apart(call: Callable[[], str]) -> str:
    """What a call gives, made in a thread of its own: the client's threads do not hear of Ctrl-C before they are done."""
    done: Future[str] = Future()

    def work() -> None:
        try:
            done.set_result(call())
        except BaseException as error:
            done.set_exception(error)

    Thread(target=work, daemon=True).start()
    return done.result()


@contextmanager
def _watched() -> Iterator[None]:
    """A block in which answers of the hub that would make the client write outside of its cache are refused.

    The client makes paths of commits and of the tags of files, as they come.
    """
    from huggingface_hub import get_session

    session: Any = get_session()
    before = session.event_hooks
    session.event_hooks = {**before, "response": [*before.get("response", []), _refuse_paths]}
    try:
        yield
    finally:
        session.event_hooks = before


def _refuse_paths(response: Any) -> None:
    """Raises ValueError where an answer has something else for a commit or a digest."""
    names = {name.lower(): value for name, value in response.headers.items()}
    said = [names.get("etag", ""), names.get("x-linked-etag", "")]
    wrong = [tag for tag in said if tag and not _TAG.fullmatch(tag)]
    commits = [names["x-repo-commit"]] if "x-repo-commit" in names else []
    if response.url.path.startswith("/api/") and response.is_success:
        response.read()
        answer = json.loads(response.content or b"null")
        commits += [answer["sha"]] if isinstance(answer, dict) and "sha" in answer else []
    wrong += [commit for commit in commits if not isinstance(commit, str) or not _COMMIT.fullmatch(commit)]
    if wrong:
        raise ValueError(f"{str(wrong[0])[:80]!r} is no digest and no commit; is this a hub?")


def _patient() -> Any:
    """The client's progress bar, which ends a download that begins again without end."""
    from huggingface_hub.utils import tqdm

    class Patient(tqdm):
        begun = 0

        def update(self, n: float | None = 1) -> bool | None:
            self.begun += (n or 0) < 0
            if self.begun > MOST_BEGINNINGS:
                raise ConnectionError("the connection is cut again and again")
            return super().update(n)

    return Patient


def refuse_other(path: Path, digest: str | None = None) -> None:
    """Refuse a file of the cache that is not what came from the hub; what lies elsewhere is not looked at.

    Args:
        path: of the file.
        digest: its SHA-256, where that is known already.

    Raises:
        ModelError: it is not what its name among the blobs says.
    """
    if not path.is_symlink():
        return
    blob = Path(os.path.normpath(path.parent / os.readlink(path)))
    if blob.parent.name != BLOBS:
        return
    if not _DIGEST.fullmatch(blob.name):
        return
    if blob.name not in ({digest} if digest and _SHA256.fullmatch(blob.name) else _names(path)):
        raise ModelError(
            f"{path} is not what came from the hub (its content has another digest): damaged or changed; remove "
            f"{blob.parent.parent} and fetch it again"
        )


def _names(path: Path) -> set[str]:
    """What the hub, or a mirror of it, may call the content of a file: its digests.

    Raises:
        ModelError: as `opened`; it is larger than such a file can be.
    """
    with opened(path.parent, path.name) as file:
        size = os.fstat(file.fileno()).st_size
        if size > MOST_BYTES and path.suffix != ".safetensors":
            raise ModelError(f"{path} has {size:,} bytes, more than the {MOST_BYTES:,} that such a file can have")
        found = [hashlib.sha256(), hashlib.sha1(usedforsecurity=False)]
        git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)  # Git's name for it; mirrors give the plain one
        while part := file.read(1 << 20):
            for each in (*found, git):
                each.update(part)
    return {each.hexdigest() for each in (*found, git)}
