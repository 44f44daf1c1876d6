"""A prompt that a network was trained with stands in front of texts wherever they are read, once, and in what is saved."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.conftest import make_tiny_backbone
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.processors import BertProcessing

import headstart
from headstart.backbones.base import open_backbone
from headstart.backbones.folders import stated_default_prompt, stated_prompts, write_prompts
from headstart.backbones.location import BackboneSource, locate
from headstart.backbones.prompts import prompt_of, put_prompt
from headstart.data.store import Store
from headstart.data.words import words_of
from headstart.indexes.encoder import Encoder
from headstart.predictors.encoding import encode
from headstart.strategies.base import Context
from headstart.tasks import TASKS
from headstart.training.settings import Training


@pytest.fixture(scope="module")
def prompted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny network that was trained with `say ` in front of texts, and `you ` in front of passages."""
    folder = make_tiny_backbone(tmp_path_factory.mktemp("prompted") / "net")
    write_prompts(folder, {"query": "say ", "passage": "you "}, "say ")
    return folder


def opened(folder: Path) -> Any:
    return open_backbone(locate(BackboneSource(location=str(folder))))


def test_folders_say_prompts_as_sentence_transformers_does(tmp_path: Path) -> None:
    write_prompts(tmp_path, {})
    assert (stated_prompts(tmp_path), stated_default_prompt(tmp_path)) == ({}, "")
    write_prompts(tmp_path, {"query": "q: ", "passage": "p: "})
    assert (stated_prompts(tmp_path)["passage"], stated_default_prompt(tmp_path)) == ("p: ", "")
    write_prompts(tmp_path, {"query": "q: ", "passage": "p: "}, "q: ")
    assert stated_default_prompt(tmp_path) == "q: "
    (tmp_path / "config_sentence_transformers.json").write_text('{"prompts": {"a": "x "}, "default_prompt_name": "b"}')
    assert stated_default_prompt(tmp_path) == ""


def test_texts_words_and_windows_begin_with_it_and_pairs_do_not(prompted: Path) -> None:
    tokenizer = opened(prompted).tokenizer
    tokens = {number: word for word, number in tokenizer.vocabulary.items()}
    plain = tokenizer.encode([("good", "bad")]).flat.tolist()
    before = tokenizer.encode(["say good day"]).flat.tolist()
    assert tokenizer.put_prompt("say ") and tokenizer.prompt == "say "
    assert tokenizer.encode(["good day"]).flat.tolist() == before
    assert tokenizer.encode([("good", "bad")]).flat.tolist() == plain
    words = tokenizer.read([words_of("good day")])
    assert [tokens[each] for each in words.flat] == ["[CLS]", "say", "good", "day", "[SEP]"]
    assert words.spans[:, 1].tolist() == [2, 3]
    tokenizer.max_length, tokenizer.overlap = 8, 1
    windows = tokenizer.read(["good bad day night shop end start now"])
    rows = [[tokens[each] for each in windows.windows.flat[begin:end]] for begin, end in zip(windows.windows.offsets, windows.windows.offsets[1:], strict=False)]  # fmt: skip
    assert [row[:2] for row in rows] == [["[CLS]", "say"]] * 2
    assert rows[0][2:-1] == ["good", "bad", "day", "night", "shop"]
    assert tokenizer.put_prompt("") and tokenizer.encode(["good"]).flat.tolist()[1] != before[1]


def test_what_has_no_place_is_left_out_and_nothing_is_changed(prompted: Path) -> None:
    tokenizer = Tokenizer.from_file(str(prompted / "tokenizer.json"))
    before = tokenizer.to_str()
    for prompt in (
        "good bad very rather indeed the ",
        "[CLS]",
        "  ",
        "sa",
    ):  # too long; a token; nothing; joins the text
        assert not put_prompt(tokenizer, prompt) and tokenizer.to_str() == before
    assert put_prompt(tokenizer, "say ") and prompt_of(tokenizer) == "say "
    assert put_prompt(tokenizer, "you ") and prompt_of(tokenizer) == "you "
    assert put_prompt(tokenizer, "") and tokenizer.to_str() == before
    other = Tokenizer(WordPiece({"[UNK]": 0, "[CLS]": 1, "[SEP]": 2}, unk_token="[UNK]"))
    other.post_processor = BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    assert not put_prompt(other, "say ")


def test_a_model_has_it_in_its_tokenizer_its_card_and_once_only(
    prompted: Path, tiny_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = headstart.fit(
        tiny_csv,
        backbone=str(prompted),
        strategy="feature-extraction",
        controls=False,
        output=str(tmp_path / "run"),
        seed=1,
    )
    assert run is not None
    network = tmp_path / "run" / "network"
    home = network if network.is_dir() else tmp_path / "run"
    from transformers import AutoTokenizer

    theirs: Any = AutoTokenizer.from_pretrained(home)
    plain = opened(prompted).tokenizer
    assert theirs("good day")["input_ids"] == plain.encode(["say good day"]).flat.tolist()
    assert "puts 'say ' in front of each text" in (tmp_path / "run" / "README.md").read_text().replace("\\", "")
    stored = headstart.load(tmp_path / "run")
    few = stored.predictor.outputs(["good day", "bad night"]).values
    many = stored.predictor.network.outputs(["good day", "bad night"]).values  # type: ignore[attr-defined]
    assert stored.predictor.network.backbone.tokenizer.prompt == "say "  # type: ignore[attr-defined]
    assert np.abs(few - many).max() < 1e-5
    again = opened(tmp_path / "run")
    assert (again.tokenizer.prompt, again.default_prompt) == ("", "say ")
    texts = ["good day"]
    for role, prompt in (("query", "say "), ("passage", "you ")):
        assert np.allclose(encode(again, texts, role=role).vectors, encode(again, [prompt + texts[0]]).vectors)
    located = locate(BackboneSource(location=str(tmp_path / "run")))
    index = Encoder(located)
    assert np.allclose(index.queries(texts), encode(again, texts, role="query").vectors, atol=1e-5)
    # Zero-shot and similarity read texts with it too.
    seen: list[str] = []
    import headstart.backbones.tokenizing as module

    read = module.TextTokenizer.encode
    monkeypatch.setattr(
        module.TextTokenizer, "encode", lambda self, *a, **k: (seen.append(self.prompt), read(self, *a, **k))[1]
    )
    pairs = tmp_path / "pairs.csv"
    lines = [f"good day {at},bad night {at * 7 % 5},{at % 5}" for at in range(40)]
    pairs.write_text("\n".join(["first,second,score", *lines]) + "\n")
    headstart.fit(
        pairs, task="sentence-similarity", backbone=str(prompted), strategy="feature-extraction", controls=False, seed=1
    )
    assert "say " in seen


def test_only_tasks_without_roles_have_it(prompted: Path) -> None:
    located, nothing = locate(BackboneSource(location=str(prompted))), Store([], [], "x.csv")
    for name, prompt in (("text-classification", "say "), ("token-classification", "say "), ("retrieval", "")):
        task = TASKS.get(name)()
        assert Context(task, nothing, nothing, located, Training(), 0).backbone().tokenizer.prompt == prompt, name
