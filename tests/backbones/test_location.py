"""Where a backbone is, and what is refused: other weights, pickles, unknown architectures, requests for code."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter
from safetensors.numpy import save_file

from headstart.backbones import hub, location
from headstart.backbones.base import Inputs
from headstart.backbones.encoder import TextEncoder
from headstart.backbones.location import ARCHITECTURES, BackboneSource, Origin, cleaned, locate, weights_digest
from headstart.errors import MissingInputError, ModelError, UnavailableError


@pytest.fixture
def folder(tiny_backbone: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_backbone, tmp_path / "backbone"))


def source(folder: Path | str, **options: Any) -> BackboneSource:
    return BackboneSource(location=str(folder), **options)


def configure(folder: Path, **changes: Any) -> None:
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(values | changes))


def test_a_folder_is_found_with_the_digest_of_its_weights(folder: Path) -> None:
    import hashlib

    found = locate(source(folder))
    assert found.source.digest == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert (found.folder, found.identity, found.config["model_type"]) == (folder, "backbone", "bert")
    assert locate(found.source) == found


@pytest.mark.parametrize("learned", [3.5, None])
def test_a_network_of_headstart_says_how_much_it_has_read(learned: float | None, folder: Path) -> None:
    said = {"format": 2, "kind": "network", "tokens_per_weight": learned}
    (folder / "headstart.json").write_text(json.dumps(said))
    located = locate(BackboneSource(location=str(folder)))
    assert located.learned == learned
    assert located.young is (learned is not None)
    assert not replace(located, learned=20.0).young


@pytest.mark.parametrize("said", ["[1]", "{", "{}", '{"format": 2}', '{"format": 2, "kind": "network", "files": 1}'])
def test_what_says_nothing_of_a_network_is_damaged(said: str, folder: Path) -> None:
    (folder / "headstart.json").write_text(said)
    with pytest.raises(ModelError, match=r"headstart\.json is"):
        locate(BackboneSource(location=str(folder)))


def test_weights_of_another_digest_are_refused(folder: Path) -> None:
    right = locate(source(folder)).source.digest
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(
        ModelError, match=rf"have the SHA-256 [0-9a-f]{{64}}, expected {right}: damaged or not the published"
    ):
        locate(source(folder, digest=right))


def test_weights_in_several_files_have_one_digest_of_all(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    save_file({"b": np.ones(3, np.float32)}, folder / "model-00002-of-00002.safetensors")
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": dict(zip("ab", names, strict=True))})
    )
    first = weights_digest(folder)
    save_file({"b": np.zeros(3, np.float32)}, folder / "model-00002-of-00002.safetensors")
    assert weights_digest(folder) != first


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt"])
def test_a_folder_of_pickled_weights_alone_is_refused(name: str, folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / name)
    with pytest.raises(ModelError, match=r"has no model\.safetensors; pickled weights \(\.bin, \.pt\) are never read"):
        locate(source(folder))


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("brt", "; did you mean 'bart'?"),
        ("robert", "; did you mean 'roberta'?"),
        ("my-own", ""),
        (None, ""),
        (["bert"], "; did you mean 'bert'?"),
    ],
)
def test_an_architecture_that_is_not_known_is_refused_with_the_nearest(kind: Any, hint: str, folder: Path) -> None:
    configure(folder, model_type=kind)
    with pytest.raises(ModelError, match="is not one that is loaded") as error:
        locate(source(folder))
    assert f"is not one that is loaded{hint} (albert, bart, bert" in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"config\.json is damaged: Expecting property name"),
        ("[]", r"config\.json holds a list, expected keys and values"),
        (None, r"has no config\.json"),
    ],
)
def test_a_folder_without_a_usable_config_is_refused(content: str | None, message: str, folder: Path) -> None:
    (folder / "config.json").unlink()
    if content is not None:
        (folder / "config.json").write_text(content)
    with pytest.raises(ModelError, match=message):
        locate(source(folder))


HOSTILE = {
    "auto_map": {"AutoModel": "evil.Model"},
    "trust_remote_code": True,
    "custom_pipelines": {"x": {"impl": "evil.P"}},
    "_attn_implementation_internal": "evil/kernel",
    "_experts_implementation_internal": "evil/kernel",
    "attn_implementation": "evil/kernel",
    "_attn_implementation": "evil/kernel",
    "experts_implementation": "evil/kernel",
}


def test_requests_for_code_are_dropped_wherever_they_stand() -> None:
    deep = {"model_type": "bert", "sub": [{"x": 1, **HOSTILE}], **HOSTILE, "text_config": HOSTILE}
    assert cleaned(deep) == {"model_type": "bert", "sub": [{"x": 1}], "text_config": {}}


def test_a_hostile_folder_loads_as_what_it_is_and_hands_nothing_on(folder: Path, tmp_path: Path) -> None:
    configure(folder, **HOSTILE)
    (folder / "evil.py").write_text("raise SystemExit('run')\n")
    (folder / "modeling_bert.py").write_text("raise SystemExit('run')\n")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"auto_map": HOSTILE["auto_map"]}))
    encoder = TextEncoder(locate(source(folder)))
    assert type(encoder.network).__module__ == "transformers.models.bert.modeling_bert"
    assert "evil" not in str(encoder.network.config._attn_implementation)
    encoder.network.save_pretrained(tmp_path / "out")
    assert "evil" not in (tmp_path / "out" / "config.json").read_text()


@pytest.mark.parametrize("changes", [{"hidden_size": "wide"}, {"num_attention_heads": 5}, {"vocab_size": -3}])
def test_a_config_that_makes_no_network_is_a_model_error(changes: dict[str, Any], folder: Path) -> None:
    configure(folder, **changes)
    with pytest.raises(ModelError, match="cannot be"):
        TextEncoder(locate(source(folder)))


def test_what_transformers_says_of_a_configuration_stays_off_the_terminal(
    folder: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    configure(folder, bos_token_id=50256)
    TextEncoder(locate(source(folder)))
    assert (caplog.messages, "".join(capfd.readouterr())) == ([], "")


def test_weights_that_are_cut_off_are_a_model_error(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError, match=r"backbone/model\.safetensors is damaged"):
        TextEncoder(locate(source(folder)))


def test_a_path_that_is_not_there_is_missing_input_with_the_nearest(folder: Path) -> None:
    with pytest.raises(MissingInputError, match=r"'.*backbon' is not a folder; did you mean 'backbone'\?"):
        locate(source(folder.parent / "backbon"))
    with pytest.raises(MissingInputError, match="is not a folder"):
        locate(source(folder / "config.json"))


def test_a_hub_id_that_cannot_be_had_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(
        UnavailableError,
        match=r"'mimi' is neither a known name \(mini, multi, smol\) nor a folder here.*; did you mean 'mini'\?",
    ):
        locate(source("mimi"))


def test_a_hub_id_is_pinned_to_the_commit_that_came(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder.parent / "org" / "model").mkdir(parents=True)  # has no revisions, so it is not what is asked for
    monkeypatch.chdir(folder.parent)
    monkeypatch.setattr(location, "fetch", lambda *_: (folder, "c" * 40))
    found = locate(source("org/model", revision="main"))
    assert (found.source.revision, found.identity, found.source.location) == ("c" * 40, "org/model", "org/model")


@pytest.mark.parametrize(
    ("config", "needs", "said"),
    [
        ({"model_type": "vit"}, [], "model_type 'vit' is not one that is loaded"),
        ({}, ["generate", "see"], "networks of the architecture bert cannot generate or see, which is needed here"),
    ],
)
def test_what_does_not_suit_is_refused_before_weights_are_fetched(
    config: dict[str, str], needs: list[str], said: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[tuple[str, ...]] = []

    def fetch(hub_id: str, revision: str | None, files: tuple[str, ...] = hub.FILES) -> tuple[Path, str]:
        fetched.append(files)
        return folder, "c" * 40

    configure(folder, **config)
    monkeypatch.setattr(location, "fetch", fetch)
    with pytest.raises(ModelError, match=said):
        locate(source("org/model"), frozenset(needs))
    assert fetched == [("config.json",)]
    with pytest.raises(ModelError, match=said):
        locate(source(folder), frozenset(needs))


def test_mini_is_found_without_running_its_package() -> None:
    code = (
        "import sys; from headstart.backbones.location import BackboneSource, locate; found = locate(BackboneSource());"
        "print(found.source.digest, found.source.max_length, found.identity);"
        "print([name for name in sys.modules if name.startswith(('gt_all', 'torch', 'transformers'))])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    # The digest is the one published on the hub for sentence-transformers/all-MiniLM-L6-v2, see design section 5.
    published = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert found == [f"{published} 256 sentence-transformers/all-MiniLM-L6-v2", "[]"]


def test_a_folder_that_bears_a_known_name_is_found_by_its_path_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.rename(folder.with_name("mini"))
    monkeypatch.chdir(folder.parent)
    assert locate(BackboneSource()).identity == "sentence-transformers/all-MiniLM-L6-v2"
    for given in (Path("mini"), "./mini", str(folder.with_name("mini"))):
        found = locate(TypeAdapter(Origin).validate_python(given))
        assert (found.identity, found.config["hidden_size"]) == ("mini", 32)


def test_mini_with_other_weights_is_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "fake_mini"
    shutil.copytree(folder, package / "model")
    (package / "__init__.py").write_text("raise SystemExit('run')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("headstart.backbones.mini.PACKAGE", "fake_mini")
    with pytest.raises(ModelError, match="expected 53aa51172d142c89"):
        locate(BackboneSource())
    with pytest.raises(ModelError, match="the recipe asks for abc"):
        locate(BackboneSource(digest="abc"))


@pytest.mark.parametrize(("limit", "accepted"), [(8, True), (64, True), (7, False), (65, False)])
def test_the_length_limit_is_what_the_network_can_read(limit: int, accepted: bool, folder: Path) -> None:
    if accepted:
        assert TextEncoder(locate(source(folder, max_length=limit))).tokenizer.max_length == limit
        return
    with pytest.raises(ModelError, match=rf"max_length {limit} is outside \[8, 64\], what backbone can read"):
        TextEncoder(locate(source(folder, max_length=limit)))


def test_positions_that_begin_after_the_padding_id_are_not_counted(
    make_backbone: Callable[..., Path], tmp_path: Path
) -> None:
    roberta = make_backbone(tmp_path / "roberta", "roberta")
    assert TextEncoder(locate(source(roberta, max_length=62))).tokenizer.max_length == 62
    with pytest.raises(ModelError, match=r"outside \[8, 62\]"):
        TextEncoder(locate(source(roberta, max_length=63)))

    path = roberta / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"pad_token_id": 30}))
    with pytest.raises(ModelError, match=r"outside \[8, 33\]"):
        TextEncoder(locate(source(roberta, max_length=34)))


def test_a_network_that_fails_on_some_texts_alone_says_where(
    make_backbone: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make_backbone(tmp_path / "xlnet", "xlnet")
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"bi_data": True}))  # which takes texts two by two
    network = TextEncoder(locate(source(folder)))
    with pytest.raises(
        ModelError, match=r"xlnet: the network fails on a text, as its configuration or tokenizer is not"
    ):
        network.encode(Inputs(torch.full((3, 4), 5), torch.ones(3, 4, dtype=torch.int64)))


def test_an_architecture_without_bfloat16_is_read_in_float32(
    make_backbone: Callable[..., Path], tmp_path: Path
) -> None:
    network = TextEncoder(locate(source(make_backbone(tmp_path / "deberta", "deberta")))).eval()
    inputs = Inputs(torch.full((2, 4), 5), torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]))
    with torch.no_grad():
        expected = network.encode(inputs).hidden
        network.fast = True
        assert torch.equal(network.encode(inputs).hidden, expected)


def test_the_allowed_architectures_are_code_of_transformers() -> None:
    from transformers import CONFIG_MAPPING

    assert set(CONFIG_MAPPING.keys()) >= ARCHITECTURES
