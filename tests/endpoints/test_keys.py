"""Keys: where they come from, and that they are nowhere to be seen."""

import copy
import pickle
import traceback
from pathlib import Path

import pytest
from tests.endpoints.conftest import KEY, Heard

from headstart.config import parse
from headstart.endpoints.keys import Secret, read_key
from headstart.endpoints.settings import Endpoint
from headstart.errors import DataError, HeadstartError, MissingInputError, RecipeError

LOCAL = {"url": "http://localhost:8001/v1", "model": "tiny"}


def test_a_secret_shows_stars_and_is_never_pickled() -> None:
    secret = Secret(KEY)
    assert f"{secret} {secret!r} {[secret]}" == "Secret('***') Secret('***') [Secret('***')]"
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="never pickled"):
            attempt(secret)
    assert not Secret() and secret


def test_the_key_and_every_piece_of_it_become_stars() -> None:
    secret = Secret(KEY)
    assert secret.redacted(f"a {KEY} b {KEY}{KEY}") == "a *** b ***"
    assert secret.redacted(f"cut {KEY[:15]}") == "cut ***"
    assert secret.redacted(f"{KEY[5:]} cut") == "*** cut"
    assert secret.redacted("sk-very and so on") == "sk-very and so on"
    assert Secret("short").redacted("a short key") == "a *** key"
    assert Secret().redacted("a key") == "a key"


def test_a_key_comes_from_a_file_or_a_variable(key_file: str, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_key(key_file, None, progress=heard).reveal() == KEY
    assert heard.warnings == []
    Path(key_file).chmod(0o640)
    read_key(key_file, None, progress=heard)
    assert len(heard.warnings) == 1 and "others can read" in heard.warnings[0] and KEY not in heard.warnings[0]
    monkeypatch.setenv("THEIR_KEY", KEY)
    assert read_key(None, "THEIR_KEY").reveal() == KEY
    assert not read_key(None, None)


@pytest.mark.parametrize(
    ("file", "variable", "kind", "words"),
    [
        ("absent", None, MissingInputError, "absent cannot be read"),
        (None, "NOT_SET_HERE", MissingInputError, "NOT_SET_HERE is not set"),
        (KEY, None, RecipeError, "looks like a key"),
        (None, KEY, RecipeError, "looks like a key"),
        ("a", "B", RecipeError, "leave one out"),
    ],
)
def test_a_key_that_is_not_there_is_told_without_showing_one(
    file: str | None, variable: str | None, kind: type[HeadstartError], words: str
) -> None:
    with pytest.raises(kind, match=words) as raised:
        read_key(file, variable)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("content", ["", "two words of it", f"{KEY}\n{KEY}", "kéy-kéy-kéy", "x" * 5000])
def test_what_is_no_key_is_refused_and_not_shown(content: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(content)
    with pytest.raises(DataError) as raised:
        read_key(str(path), None)
    assert not content or content[:8] not in "".join(traceback.format_exception(raised.value))


def test_a_folder_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no regular file"):
        read_key(str(tmp_path), None)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": f"https://{KEY}@host/v1"}, "user name or a key"),
        ({"url": f"https://me:{KEY}@host/v1"}, "user name or a key"),
        ({"url": f"https://host/v1?api-key={KEY}"}, "where keys may stand"),
        ({"url": f"https://host/v1#{KEY}"}, "where keys may stand"),
        ({"url": "http://example.org/v1"}, "for all to read; write https"),
        ({"url": "http://127.0.0.1.example.org/v1"}, "write https"),
        ({"url": "ftp://host/v1"}, "is no address"),
        ({"url": "localhost:8001"}, "is no address"),
        ({"url": "http://[::1"}, "is no address"),
        ({"url": "http://localhost:99999/v1"}, "is no address"),
        ({"url": "http://localhost/v1 x"}, "is no address"),
        ({"key_file": KEY}, "looks like a key"),
        ({"key_env": KEY}, "looks like a key"),
        ({"key_env": "a b"}, "no name of an environment variable"),
        ({"key_file": "a", "key_env": "B"}, "leave one out"),
        ({"max_cost": 1}, "needs price_in and price_out"),
        ({"key": KEY}, "unknown key 'key'"),
    ],
)
def test_settings_that_hold_a_key_or_make_no_sense_are_refused_without_showing_it(
    changes: dict[str, object], words: str
) -> None:
    with pytest.raises(RecipeError, match=words) as raised:
        parse(Endpoint, LOCAL | changes)
    assert KEY not in "".join(traceback.format_exception(raised.value))
    with pytest.raises(ValueError) as bare:
        Endpoint(**(LOCAL | changes))
    assert KEY not in str(bare.value)


@pytest.mark.parametrize(
    "url", ["http://localhost/v1/", "http://127.0.0.2:80/v1", "http://[::1]:1/v1", "https://a.b/v1"]
)
def test_addresses_that_are_taken(url: str) -> None:
    found = parse(Endpoint, LOCAL | {"url": url, "timeout": "2m"})
    assert found.url == url.rstrip("/") and found.timeout == 120
    assert parse(Endpoint, found.plain()) == found
