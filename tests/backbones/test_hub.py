"""A hub that lies: the real client against one on this machine that cuts, changes, redirects and invents."""

import hashlib
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from headstart.backbones import hub
from headstart.backbones.location import BackboneSource, locate, weights_digest
from headstart.errors import ModelError, StorageError, UnavailableError

COMMIT, OTHER = "a" * 40, "b" * 40
pytestmark = pytest.mark.filterwarnings("default")  # those of other people's packages


class Hub:
    """A model `org/model` as the hub serves it, and what is changed of that.

    `answers` maps the end of a path to a function of the request that answers it in place of the usual way.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.commit: Any = COMMIT
        self.tree = [self._entry(name, content) for name, content in files.items()]
        self.answers: dict[str, Callable[[Any], None]] = {}
        self.asked: list[tuple[str, str, str | None]] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @staticmethod
    def _entry(name: str, content: bytes) -> dict[str, Any]:
        entry: dict[str, Any] = {"type": "file", "path": name, "size": len(content), "oid": blob(content)}
        if name.endswith(".safetensors"):
            entry["lfs"] = {
                "oid": hashlib.sha256(content).hexdigest(),
                "size": len(content),
                "pointerSize": 100,
            }
        return entry

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_HEAD(self) -> None:
                self.do_GET()

            def do_GET(self) -> None:
                server.asked.append((self.command, self.path, self.headers.get("Authorization")))
                path = self.path.partition("?")[0]
                for end, answer in server.answers.items():
                    if path.endswith(end):
                        answer(self)
                        return
                server.usual(self, path)

        return Handler

    def usual(self, request: Any, path: str) -> None:
        """Answer as the hub does."""
        if path.startswith("/api/models/org/model/tree/"):
            give(request, json.dumps(self.tree).encode())
        elif path.startswith("/api/models/org/model"):
            give(request, json.dumps({"id": "org/model", "sha": self.commit, "siblings": []}).encode())
        elif path.rpartition("/")[2] in self.files:
            name = path.rpartition("/")[2]
            content = self.files[name]
            tag = hashlib.sha256(content).hexdigest() if name.endswith(".safetensors") else blob(content)
            give(request, content, {"X-Repo-Commit": COMMIT, "ETag": f'"{tag}"'})
        else:
            give(request, b"not here", {"X-Error-Code": "EntryNotFound"}, status=404)


def blob(content: bytes) -> str:
    """Git's name for a content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def give(
    request: Any, content: bytes, headers: dict[str, str] | None = None, *, status: int = 200, said: int | None = None
) -> None:
    """Answer a request; with `said`, that many bytes are announced."""
    request.send_response(status)
    for name, value in {"Content-Length": str(len(content) if said is None else said), **(headers or {})}.items():
        request.send_header(name, value)
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(content)


@pytest.fixture
def model(tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that is reached, with an empty cache."""
    from huggingface_hub import constants, file_download
    from huggingface_hub.utils import _http

    found = Hub({path.name: path.read_bytes() for path in sorted(tiny_backbone.iterdir())})
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    for name, value in {
        "ENDPOINT": found.address,
        "HUGGINGFACE_CO_URL_TEMPLATE": found.address + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_OFFLINE": False,
        "HF_HUB_CACHE": str(tmp_path / "cache"),
        "HF_HUB_DISABLE_PROGRESS_BARS": True,
        "HF_HUB_ETAG_TIMEOUT": 0.3,
        "HF_HUB_DOWNLOAD_TIMEOUT": 0.3,
    }.items():
        monkeypatch.setattr(constants, name, value)
    monkeypatch.setattr(file_download, "_ETAG_RETRY_TIMEOUT", 0.3)
    for module in (file_download, _http):
        monkeypatch.setattr(module.time, "sleep", lambda _: None)
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def located() -> Callable[[], Any]:
    return lambda: locate(BackboneSource(location="org/model"))


def test_what_comes_from_a_hub_is_pinned_and_used_again_without_it(
    model: Hub, located: Any, tiny_backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = located()
    assert (found.source.revision, found.source.digest) == (COMMIT, weights_digest(tiny_backbone))
    model.commit = OTHER  # the branch goes on; what is pinned stays
    assert locate(found.source).folder == found.folder
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    model.asked.clear()
    assert locate(found.source).folder == found.folder
    assert model.asked == []


def test_a_branch_that_moves_between_two_requests_gives_one_commit(model: Hub, located: Any) -> None:
    usual = model.usual

    def moving(request: Any, path: str) -> None:
        usual(request, path)
        if path.endswith("/config.json"):
            model.commit = OTHER

    model.usual = moving  # type: ignore[method-assign]
    assert located().source.revision == COMMIT


def cut(request: Any) -> None:
    give(request, b"x" * 100, {"X-Repo-Commit": COMMIT, "ETag": f'"{"c" * 64}"'}, said=10_000)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_file_that_is_not_what_the_hub_calls_it_is_refused(model: Hub, located: Any, name: str) -> None:
    content = model.files[name]
    tag = hashlib.sha256(content).hexdigest() if name.endswith(".safetensors") else blob(content)
    other = content.replace(b"32", b"16", 1) if name.endswith("json") else content[:-1] + bytes([content[-1] ^ 1])
    model.answers[f"/{name}"] = lambda request: give(request, other, {"X-Repo-Commit": COMMIT, "ETag": f'"{tag}"'})
    with pytest.raises(ModelError, match=rf"{name} is not what came from the hub .*fetch it again"):
        located()


def test_a_mirror_that_names_files_by_their_plain_digest_is_a_hub(model: Hub, located: Any) -> None:
    content = model.files["config.json"]
    tag = hashlib.sha1(content).hexdigest()
    model.answers["/config.json"] = lambda request: give(
        request, content, {"X-Repo-Commit": COMMIT, "ETag": f'"{tag}"'}
    )
    assert located().source.revision == COMMIT


def redirected(to: str) -> Callable[[Any], None]:
    return lambda request: give(request, b"", {"Location": to}, status=302)


def silent(request: Any) -> None:
    time.sleep(1.0)


LIES: dict[str, Callable[[Hub], None]] = {
    "a body that is cut": lambda hub: hub.answers.update({"/model.safetensors": cut}),
    "a page to log in": lambda hub: hub.answers.update({"/revision/main": lambda r: give(r, b"<html>log in</html>")}),
    "a page in place of the list": lambda hub: hub.answers.update(
        {f"/tree/{COMMIT}": lambda r: give(r, b"<html>log in</html>")}
    ),
    "an answer of other types": lambda hub: hub.answers.update({"/revision/main": lambda r: give(r, b'["sha"]')}),
    "no commit": lambda hub: setattr(hub, "commit", None),
    "a commit that is a path": lambda hub: setattr(hub, "commit", "../../../../evil"),
    "a list of other types": lambda hub: setattr(hub, "tree", {"a": 1}),
    "a list of nothing": lambda hub: setattr(hub, "tree", [None, 5, {}]),
    "a file outside": lambda hub: hub.tree.append(dict(hub.tree[0], path="../../../evil.json")),
    "an absolute file": lambda hub: hub.tree.append(dict(hub.tree[0], path="/tmp/evil.json")),
    "nested": lambda hub: hub.answers.update({"/revision/main": lambda r: give(r, b"[" * 100_000)}),
    "a redirect to itself": lambda hub: hub.answers.update({"/config.json": redirected("config.json")}),
    "a redirect to a file": lambda hub: hub.answers.update({"/config.json": redirected("file:///etc/passwd")}),
    "no address": lambda hub: hub.answers.update({"/config.json": redirected("http://[::1")}),
    "no digest": lambda hub: hub.answers.update({"/config.json": lambda r: give(r, b"{}", {"X-Repo-Commit": COMMIT})}),
    "a digest that is a path": lambda hub: hub.answers.update(
        {"/config.json": lambda r: give(r, b"{}", {"X-Repo-Commit": COMMIT, "ETag": '"../../../evil"'})}
    ),
    "another commit": lambda hub: hub.answers.update(
        {"/config.json": lambda r: give(r, b"{}", {"X-Repo-Commit": OTHER, "ETag": f'"{blob(b"{}")}"'})}
    ),
    "an error of its own": lambda hub: hub.answers.update({"": lambda r: give(r, b"", status=500)}),
    "too many requests": lambda hub: hub.answers.update({"": lambda r: give(r, b"", status=429)}),
    "no answer": lambda hub: hub.answers.update({"": silent}),
    "gzip that is none": lambda hub: hub.answers.update(
        {"/revision/main": lambda r: give(r, b"no gzip", {"Content-Encoding": "gzip"})}
    ),
}
"""What a hub may do, by name."""


def test_a_body_that_is_cut_without_end_ends(model: Hub, located: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1000)
    content = model.files["model.safetensors"]

    def answer(request: Any) -> None:
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha256(content).hexdigest()}"'}
        give(request, content[:5000], headers, said=len(content))
        request.close_connection = True

    model.answers["/model.safetensors"] = answer
    with pytest.raises(UnavailableError, match="the connection is cut again and again"):
        located()


@pytest.mark.parametrize("lie", LIES)
def test_what_answers_and_is_no_hub_is_unavailable(model: Hub, located: Any, lie: str, tmp_path: Path) -> None:
    LIES[lie](model)
    began = time.perf_counter()
    with pytest.raises((UnavailableError, ModelError)) as error:
        located()
    assert time.perf_counter() - began < 5
    assert "org/model" in str(error.value) or "org--model" in str(error.value)
    assert [path.name for path in tmp_path.rglob("*evil*")] == []
    assert not Path("/tmp/evil.json").exists()


def test_another_host_that_a_hub_sends_to_gets_no_token(
    model: Hub, located: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    other = Hub(model.files)
    place = other.address.replace("127.0.0.1", "localhost")
    try:
        content = model.files["model.safetensors"]

        def elsewhere(request: Any) -> None:
            headers = {
                "X-Repo-Commit": COMMIT,
                "X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"',
                "X-Linked-Size": str(len(content)),
                "Location": f"{place}/model.safetensors",
            }
            give(request, b"", headers, status=302)

        model.answers["/model.safetensors"] = elsewhere
        assert located().source.revision == COMMIT
        assert ("GET", "/model.safetensors", None) in other.asked
        assert "Bearer hf_secret" in {token for _, _, token in model.asked}
    finally:
        other.server.shutdown()
        other.server.server_close()


def test_a_cache_that_cannot_be_written_is_the_disks_fault(
    model: Hub, located: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(StorageError, match=r"'org/model' cannot be kept in .*cache: .*HF_HOME"):
        located()


def test_a_poisoned_cache_is_found(model: Hub, located: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = located().folder
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in ("config.json", "model.safetensors"):
        whole = (folder / name).read_bytes()
        (folder / name).resolve().write_bytes(whole.replace(b"layer", b"lager", 1) if name[0] == "m" else whole + b" ")
        with pytest.raises(ModelError, match=f"{name} is not what came from the hub"):
            located()
        (folder / name).resolve().write_bytes(whole)
    assert located().folder == folder
    reference = folder.parents[1] / "refs" / "main"
    for make in (lambda: os.truncate(reference, 1 << 30), lambda: (reference.unlink(), os.mkfifo(reference))):
        make()
        with pytest.raises(ModelError, match="is no file with a commit"):
            located()
    reference.unlink()
    reference.write_text("../../../../evil")
    (tmp_path / "evil").mkdir()
    with pytest.raises(UnavailableError):
        located()


def in_place(name: str, make: Callable[[Path, Path], object]) -> Callable[[Path], object]:
    """What puts something in the place of a blob, given that and the link to it."""
    return lambda folder: make((folder / name).resolve(), folder / name)


def renamed(blob: Path, link: Path) -> None:
    blob.rename(blob.with_name("evil"))
    link.unlink()
    link.symlink_to("../../blobs/evil")


POISONS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file for a link": (
        in_place("config.json", lambda blob, link: blob.rename(link)),
        "is a file of its own, where the cache",
    ),
    "weights for a link": (in_place("model.safetensors", lambda blob, link: blob.rename(link)), "is a file of its own"),
    "a blob without a digest": (in_place("config.json", renamed), "a link to what has no digest for its name"),
    "a link for a blob": (
        in_place("config.json", lambda blob, link: (blob.unlink(), blob.symlink_to("/etc/hostname"))),
        "is a link to a place outside",
    ),
    "a vast blob": (
        in_place("config.json", lambda blob, link: os.truncate(blob, 1 << 40)),
        "has 1,099,511,627,776 bytes, more than",
    ),
}


@pytest.mark.parametrize("poison", POISONS)
def test_what_is_no_link_to_what_came_is_found(
    model: Hub, located: Any, monkeypatch: pytest.MonkeyPatch, poison: str
) -> None:
    folder = located().folder
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    make, said = POISONS[poison]
    make(folder)
    with pytest.raises(ModelError, match=said):
        located()


def test_a_snapshot_that_leads_out_of_the_cache_is_not_followed(
    model: Hub, located: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = located().folder
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    shutil.copytree(folder, tmp_path / "aside")
    shutil.rmtree(folder)
    folder.symlink_to(tmp_path / "aside")
    with pytest.raises(ModelError, match="outside of the cache"):
        located()


def test_what_a_killed_download_left_is_no_model(model: Hub, located: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = located().folder
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (folder / "tokenizer.json").unlink()
    with pytest.raises((ModelError, UnavailableError)):
        located()
    assert hub.fetch  # and once it is in reach again, all is there
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    assert (located().folder / "tokenizer.json").is_file()


def test_a_download_is_left_at_once_when_the_user_stops_it(
    model: Hub, located: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT", 3.0)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_ETAG_TIMEOUT", 3.0)

    def slow(request: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        silent(request)

    model.answers["/model.safetensors"] = slow
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    began = time.perf_counter()
    try:
        with pytest.raises(KeyboardInterrupt):
            located()
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.perf_counter() - began < 0.9  # and not when an answer has come
