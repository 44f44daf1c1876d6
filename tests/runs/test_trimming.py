"""The verb `trim`: a smaller folder that reads the texts as before, and what is wrong with texts and networks."""

from pathlib import Path
from typing import Any

import pytest

import headstart
from headstart.backbones.location import BackboneSource, locate
from headstart.cli.network import trimmed_table
from headstart.errors import DataError, ModelError, RunFolderError


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = [f"the shop opens at nine {word}" for word in ("now", "indeed", "monday", "rather", "bad", "good")] * 20
    path = tmp_path_factory.mktemp("texts") / "some.txt"
    path.write_text("\n".join(f"{line} {'i ' * at}" for at, line in enumerate(lines)) + "\n", encoding="utf-8")
    return path


def test_a_smaller_folder_is_a_backbone_as_any_other(tiny_backbone: Path, text: Path, tmp_path: Path) -> None:
    found = headstart.trim(tiny_backbone, text, output=str(tmp_path / "small"))
    assert found["trimmed"] == str(tmp_path / "small")
    for sides in (found["pieces"], found["parameters"], found["bytes"]):
        assert 0 < sides["after"] < sides["before"]
    held = found["held_out"]
    assert (held["texts"], held["same_pieces"], held["same_text_back"]) == (2, 1.0, 1.0)
    located = locate(BackboneSource(location=found["trimmed"]))
    assert located.config["vocab_size"] == found["pieces"]["after"]
    card = (tmp_path / "small" / "README.md").read_text()
    assert "AutoModel.from_pretrained" in card and "headstart fit DATA --backbone ." in card
    assert f"{found['pieces']['after']:,}" in trimmed_table(found)
    with pytest.raises(RunFolderError, match="exists"):
        headstart.trim(tiny_backbone, text, output=str(tmp_path / "small"))


def test_held_out_files_are_measured_on_and_do_not_count(tiny_backbone: Path, text: Path, tmp_path: Path) -> None:
    (tmp_path / "held.txt").write_text("arrives\nthe shop\n", encoding="utf-8")
    held = headstart.trim(tiny_backbone, text, held_out=str(tmp_path / "held.txt"), output=str(tmp_path / "small"))[
        "held_out"
    ]
    assert (held["texts"], held["same_pieces"], held["same_text_back"]) == (2, 0.5, 0.5)  # this one has no decoder
    assert held["pieces"] == {"before": 3, "after": 2 + len("arrives")}


def test_texts_and_networks_that_cannot_serve_are_refused(
    tiny_backbone: Path, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty.txt").write_text("\n \n", encoding="utf-8")
    with pytest.raises(DataError, match=r"empty\.txt: holds no text"):
        headstart.trim(tiny_backbone, tmp_path / "empty.txt", output=str(tmp_path / "small"))

    def wrong(self: Any, table: Any) -> Any:
        return table[: self.shares.shape[0]]

    monkeypatch.setattr("headstart.backbones.exchange.VocabularyRows.of", wrong)
    with pytest.raises(ModelError, match="gives other vectors"):
        headstart.trim(tiny_backbone, text, output=str(tmp_path / "small"))
    assert not (tmp_path / "small").exists()
