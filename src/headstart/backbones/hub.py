"""The Hugging Face hub: files of a model, fetched or found in its cache, and each what its name in the cache says it is."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

from headstart.backbones import KNOWN
from headstart.errors import ModelError, StorageError, UnavailableError
from headstart.registry import did_you_mean

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
MOST_BEGINNINGS = 20
"""Times that the files of a download may begin anew."""
_TAG = re.compile(r'(?:W/)?"?[\w+=:-][\w.+=:-]{0,200}"?')
_COMMIT = re.compile("[0-9a-f]{40}")
_SHA256 = re.compile("[0-9a-f]{64}")


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
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".safetensors":  # the digest of weights is asked for when they are read
            refuse_other(path)
    return folder, folder.name


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
    if _SHA256.fullmatch(blob.name):
        with blob.open("rb") as file:
            found = {digest or hashlib.file_digest(file, "sha256").hexdigest()}
    elif _COMMIT.fullmatch(blob.name):
        content = blob.read_bytes()
        # Git's name for it; mirrors of the hub give the plain one.
        forms = (b"blob %d\0" % len(content) + content, content)
        found = {hashlib.sha1(form, usedforsecurity=False).hexdigest() for form in forms}
    else:
        return
    if blob.name not in found:
        raise ModelError(
            f"{path} is not what came from the hub (its content has another digest): damaged or changed; remove "
            f"{blob.parent.parent} and fetch it again"
        )
