"""An index finds passages by words, vectors and both, and changes in single steps."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from headstart.backbones.location import BackboneSource, locate
from headstart.errors import DataError, MissingInputError, ModelError, RunFolderError
from headstart.indexes import approximate, generation
from headstart.indexes.encoder import Encoder
from headstart.indexes.index import Index
from headstart.ranking.bm25 import Bm25Settings
from headstart.ranking.passages import Passage, Passages

TEXTS = {
    "notice": "the notice period is three months",
    "rent": "the rent is due on the first day",
    "pets": "a dog or a cat may live here",
    "again": "a dog or a cat may live here",
}
PLAIN = Bm25Settings(language="none")


def passages(texts: dict[str, str] = TEXTS) -> Passages:
    return Passages.of(texts.values(), ids=texts, file="contract.csv")


@pytest.fixture(scope="module")
def encoder(tiny_backbone: Path) -> Encoder:
    return Encoder(locate(BackboneSource(location=str(tiny_backbone))), {"query": "the "}, precision="float32")


@pytest.fixture
def index(tmp_path: Path, encoder: Encoder) -> Index:
    return Index.build(tmp_path / "index", passages(), encoder=encoder, words=PLAIN)[0]


def ids(index: Index, query: str, k: int = 10) -> list[str]:
    return [hit.passage.id for hit in index.search([query], k)[0]]


def test_words_find_what_has_them_and_nothing_else(tmp_path: Path) -> None:
    index, written = Index.build(tmp_path / "index", passages(), retriever="bm25", words=PLAIN)
    assert (written.documents, written.passages, written.ranked, written.cut) == (4, 4, 3, 0)
    (hit,) = index.search(["notice"], 5)[0]
    assert hit.passage == Passage("notice", TEXTS["notice"], "", "notice", "contract.csv", 1, 0, 33)
    assert hit.bm25 == hit.score > 0
    assert hit.dense is None
    assert index.search(["unknown"], 5) == [[]]
    assert ids(index, "dog") == ["pets"]
    assert index.search(["dog"], 5)[0][0].copies == ("again",)


def test_vectors_rank_everything_by_cosine(tmp_path: Path, encoder: Encoder) -> None:
    index, _ = Index.build(tmp_path / "index", passages(), retriever="dense", encoder=encoder)
    query = encoder.queries(["rent"])[0]
    vectors = {name: encoder.passages([text])[0][0] for name, text in TEXTS.items() if name != "again"}
    hits = index.search(["rent"], 10)[0]
    expected = sorted(vectors, key=lambda name: -float(vectors[name] @ query))
    assert [hit.passage.id for hit in hits] == expected
    assert [hit.score for hit in hits] == pytest.approx([float(vectors[name] @ query) for name in expected], abs=1e-5)
    assert all(hit.bm25 is None and hit.dense == hit.score for hit in hits)


def test_both_are_fused_and_both_scores_are_told(index: Index) -> None:
    hits = index.search(["notice period"], 2)[0]
    assert hits[0].passage.id == "notice"
    assert hits[0].bm25 is not None
    assert hits[0].dense is not None
    assert all(hit.bm25 is None for hit in hits[1:])
    rows = index.ranked(["notice period"], 2)
    assert [index.passages[row].id for row in rows.ids[0]] == [hit.passage.id for hit in hits]


def test_what_is_opened_again_says_the_same_and_a_few_queries_need_no_torch(index: Index) -> None:
    again = Index.open(index.folder)
    for query in ("rent", "a dog"):
        assert [hit.passage for hit in again.search([query])[0]] == [hit.passage for hit in index.search([query])[0]]
        light, full = again.search([query])[0], index.search([query])[0]
        assert [hit.dense for hit in light] == pytest.approx([hit.dense for hit in full], abs=1e-5)
    assert again.encoder is not None
    assert "_backbone" not in vars(again.encoder)


@pytest.mark.parametrize("query", ["", " \n", "\u200b"])
def test_an_empty_query_is_refused(index: Index, query: str) -> None:
    with pytest.raises(DataError, match="query is empty; expected some words"):
        index.search([query])
    with pytest.raises(DataError, match="query 2 of 2 is empty"):
        index.search(["x", query])
    with pytest.raises(DataError, match="0 passages are asked for"):
        index.search(["x"], 0)


def test_documents_come_in_replace_those_of_their_name_and_go(index: Index) -> None:
    changed = index.add(passages({"new": "a new clause about notice", "pets": "no dog lives here"}))
    assert changed == (2, 1, 2, 1, 0)
    assert sorted(index.passages.ids) == ["again", "new", "notice", "pets", "rent"]
    assert sorted(ids(index, "dog", 2)) == ["again", "pets"]
    found = index.search(["notice"], 10)[0]
    assert {hit.passage.id for hit in found if hit.bm25 is not None} == {"notice", "new"}
    changed = index.remove(["notice", "pets"])
    assert (changed.removed, changed.added) == (2, 0)
    assert sorted(Index.open(index.folder).passages.ids) == ["again", "new", "rent"]


def test_a_changed_index_is_the_one_that_is_made_of_what_it_holds(
    index: Index, encoder: Encoder, tmp_path: Path
) -> None:
    index.add(passages({"new": "a new clause about notice"}))
    index.remove(["notice", "pets"])  # the copy of `pets` takes its place
    held = {row.id: row.text for row in index.passages}
    whole, _ = Index.build(tmp_path / "whole", passages(held), encoder=encoder, words=PLAIN)
    for query in ("notice", "the rent", "dog"):
        mine, theirs = index.search([query])[0], whole.search([query])[0]
        assert [hit.passage.id for hit in mine] == [hit.passage.id for hit in theirs]
        assert [hit.bm25 for hit in mine] == [hit.bm25 for hit in theirs]
        assert [hit.dense for hit in mine] == pytest.approx([hit.dense for hit in theirs], abs=1e-5)


def test_names_that_are_not_known_are_all_named_and_nothing_is_removed(index: Index) -> None:
    with pytest.raises(DataError, match=r"does not know 2 of 3 names .*'x', 'y'; nothing is removed"):
        index.remove(["x", "rent", "y"])
    assert len(Index.open(index.folder)) == 4
    with pytest.raises(DataError, match="no passage is left"):
        index.remove(list(TEXTS))
    assert len(Index.open(index.folder)) == 4


def test_an_id_that_stands_there_twice_leaves_the_index_as_it_was(index: Index) -> None:
    twice = [*passages({"x": "one"}), *passages({"x": "two"})]
    with pytest.raises(DataError, match="stand there twice"):
        index.add(twice)
    assert len(Index.open(index.folder)) == 4
    assert [path.name for path in (index.folder / "generations").iterdir()] == ["000001"]


def test_who_reads_goes_on_reading_while_the_index_changes(index: Index) -> None:
    before = [hit.passage.id for hit in index.search(["dog"], 3)[0]]
    reader = Index.open(index.folder)  # which has not searched yet
    index.remove(["pets", "again"])
    index.add(passages({"z": "zebra"}))
    assert [path.name for path in (index.folder / "generations").iterdir()] == ["000003"]
    assert [hit.passage.id for hit in reader.search(["dog"], 3)[0]] == before
    assert reader.refresh() is True
    assert reader.refresh() is False
    assert sorted(reader.passages.ids) == ["notice", "rent", "z"]


def test_one_process_at_a_time_changes_an_index(index: Index) -> None:
    from headstart.runtime.durable import Lock

    lock = Lock(index.folder)
    with pytest.raises(RunFolderError, match="is in use by process"):
        index.remove(["rent"])
    lock.release()
    index.remove(["rent"])


def test_nothing_is_left_of_an_index_that_did_not_come_about(tmp_path: Path, encoder: Encoder) -> None:
    def broken() -> Iterator[Passage]:
        yield passages()[0]
        raise DataError("a.txt: is no text")

    with pytest.raises(DataError, match="is no text"):
        Index.build(tmp_path / "index", broken(), encoder=encoder)
    with pytest.raises(DataError, match="no passage is left"):
        Index.build(tmp_path / "index", [], encoder=encoder)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_replaced_only_where_that_is_asked_for(index: Index, tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"holds an index; add to it with: headstart index --add"):
        Index.build(index.folder, passages(), retriever="bm25")
    other, _ = Index.build(index.folder, passages({"x": "x y"}), retriever="bm25", overwrite=True)
    assert list(Index.open(index.folder).passages.ids) == ["x"] == list(other.passages.ids)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(RunFolderError, match="exists"):
        Index.build(tmp_path / "mine", passages(), retriever="bm25")
    with pytest.raises(RunFolderError, match="not written by headstart"):
        Index.build(tmp_path / "mine", passages(), retriever="bm25", overwrite=True)
    (tmp_path / "mine" / "headstart.json").write_text("{}")
    with pytest.raises(RunFolderError, match="holds a model, which no index replaces"):
        Index.build(tmp_path / "mine", passages(), retriever="bm25", overwrite=True)


def test_a_folder_that_is_no_index_or_not_whole_is_refused(index: Index, tmp_path: Path, tiny_backbone: Path) -> None:
    with pytest.raises(MissingInputError, match=r"there is no index .*indx.*did you mean 'index'"):
        Index.open(tmp_path / "indx")
    with pytest.raises(ModelError, match=r"holds no index \(no headstart.json\)"):
        Index.open(tiny_backbone)
    (index.folder / "headstart.json").rename(tmp_path / "kept")
    with pytest.raises(ModelError, match="never finished; make it again"):
        Index.open(index.folder)
    Index.build(index.folder, passages(), retriever="bm25")  # takes its place


def damage(index: Index, name: str) -> None:
    path = next((index.folder / "generations").iterdir()) / name
    path.write_bytes(path.read_bytes()[:-1] + b"?")


@pytest.mark.parametrize(
    "name",
    [
        "passages.arrow",
        "first.safetensors",
        "vectors.safetensors",
        "bm25.safetensors",
        "words.arrow",
        "vocabulary.json",
    ],
)
def test_a_file_that_was_changed_or_cut_short_is_refused(index: Index, name: str) -> None:
    damage(index, name)
    with pytest.raises(ModelError, match=f"{name} is damaged: its SHA-256"):
        Index.open(index.folder)
    path = next((index.folder / "generations").iterdir()) / name
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(ModelError, match=f"{name} is damaged: it has .* bytes and was written with"):
        Index.open(index.folder)
    path.unlink()
    with pytest.raises(ModelError, match=name):
        Index.open(index.folder)


def test_large_files_are_read_whole_before_an_index_is_changed(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "CHECKED_BYTES", 0)
    damage(index, "vectors.safetensors")
    Index.open(index.folder)
    with pytest.raises(ModelError, match=r"vectors\.safetensors is damaged"):
        index.remove(["rent"])


def test_vectors_that_are_not_finite_are_refused(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "CHECKED_BYTES", 0)
    path = next((index.folder / "generations").iterdir()) / "vectors.safetensors"
    data = bytearray(path.read_bytes())
    data[-4:] = np.float32("nan").tobytes()
    path.write_bytes(data)
    with pytest.raises(ModelError, match="not finite"):
        Index.open(index.folder).search(["rent"])


def test_a_manifest_that_contradicts_itself_is_refused(index: Index) -> None:
    path = index.folder / "headstart.json"
    said = json.loads(path.read_text())
    said.pop("sha256")
    for change in ({"words": None}, {"retriever": "dense"}, {"generation": "../x"}, {"passages": 5}, {"network": None}):
        path.write_text(json.dumps(said | change))
        with pytest.raises(ModelError, match="is damaged"):
            Index.open(index.folder)
    path.write_text(json.dumps(said | {"sha256": "0" * 64}))
    with pytest.raises(ModelError, match="is damaged"):
        Index.open(index.folder)


def test_a_manifest_whose_network_or_language_nobody_can_open_is_refused(index: Index) -> None:
    path = index.folder / "headstart.json"
    said = json.loads(path.read_text())
    said.pop("sha256")
    for key, value in (("location", 3), ("revision", []), ("digest", True), ("max_length", "x"), ("unknown", 1)):
        network = said["network"] | {"backbone": said["network"]["backbone"] | {key: value}}
        path.write_text(json.dumps(said | {"network": network}))
        with pytest.raises(ModelError, match=f"is damaged.*{key}"):
            Index.open(index.folder)
    path.write_text(json.dumps(said | {"words": said["words"] | {"language": "klingon"}}))
    with pytest.raises(ModelError, match="is damaged: language: 'klingon' is not known"):
        Index.open(index.folder).search(["rent"])


def test_scores_of_words_in_texts_that_are_not_there_are_refused(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "CHECKED_BYTES", 0)
    path = next((index.folder / "generations").iterdir()) / "bm25.safetensors"
    arrays = load_file(path)
    save_file(arrays | {"indices": arrays["indices"] + np.int32(1000)}, path)
    with pytest.raises(ModelError, match="is damaged"):
        Index.open(index.folder).search(["rent"])


def test_a_network_with_other_weights_is_refused(index: Index, tiny_backbone: Path, tmp_path: Path) -> None:
    other = shutil.copytree(tiny_backbone, tmp_path / "other")
    weights = load_file(other / "model.safetensors")
    save_file(
        {name: each + np.float32(0.1) for name, each in weights.items()}, other / "model.safetensors", {"format": "pt"}
    )
    with pytest.raises(ModelError, match=r"made with the network .* and other weights.*--backbone"):
        Index.open(index.folder, backbone=str(other))
    said = Index.open(index.folder).said.network
    assert said is not None
    assert Index.open(index.folder, backbone=said.backbone["location"]).search(["rent"])


def test_very_many_vectors_are_searched_by_a_graph_that_grows_with_them(
    tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {f"t{number}": f"the {word} {number}" for number, word in enumerate(["rent", "dog", "cat", "day"] * 10)}
    exact, _ = Index.build(tmp_path / "exact", passages(texts), retriever="dense", encoder=encoder)
    monkeypatch.setattr(generation, "MOST_EXACT", 20)
    monkeypatch.setattr(approximate, "BLOCK_ROWS", 7)
    half = dict(list(texts.items())[:25])
    index, _ = Index.build(tmp_path / "graph", passages(half), retriever="dense", encoder=encoder)
    assert "near.usearch" in index.said.files
    index.add(passages({name: text for name, text in texts.items() if name not in half}))
    assert scores(index) == pytest.approx(scores(exact), abs=1e-6)
    index.remove(["t1", "t30"])
    exact.remove(["t1", "t30"])
    assert scores(Index.open(index.folder)) == pytest.approx(scores(exact), abs=1e-6)


def scores(index: Index) -> list[float]:
    """Those of the best: many passages are equal for the network, and a graph may give any of these."""
    return [hit.score for hit in index.search(["dog 5"], 15)[0]]


def test_files_of_an_index_are_no_links_out_of_it(index: Index, tmp_path: Path) -> None:
    path = next((index.folder / "generations").iterdir()) / "passages.arrow"
    path.rename(tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", path)
    with pytest.raises(ModelError, match="link to a place outside"):
        Index.open(index.folder)
