"""TMX: languages, inline elements, what is refused."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.errors import DataError
from headstart.readers.opening import open_sheet, open_table
from headstart.readers.tmx import Tmx
from headstart.types import Dropped, Record

Put = Callable[[str, str | bytes], Path]
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n<tmx version="1.4">\n<header srclang="en-US"/>\n<body>\n'


def memory(*units: str) -> str:
    return HEAD + "\n".join(f"<tu>{unit}</tu>" for unit in units) + "\n</body></tmx>"


def test_units_are_rows_and_languages_columns_that_of_the_source_first(put: Put) -> None:
    path = put("a.tmx", memory(
        '<tuv xml:lang="de-DE"><seg>Ein Hund &amp; co.</seg></tuv><tuv xml:lang="en-US"><seg>A dog &amp; co.</seg></tuv>',
        '<tuv lang="EN-us"><seg>Two</seg></tuv><tuv lang="fr"><note>no</note><seg>Deux</seg></tuv>',
    ))  # fmt: skip
    sheet = Tmx().read(path)
    assert sheet.columns == ("en-US", "de-DE", "fr")
    assert [*sheet.records] == [Record(6, ("A dog & co.", "Ein Hund & co.", None)), Record(7, ("Two", None, "Deux"))]


def test_words_inside_of_elements_are_kept_and_codes_are_not(put: Put) -> None:
    text = 'A <hi type="b">red</hi> <bpt i="1">&lt;b&gt;<sub>x</sub></bpt>dog<ept i="1">&lt;/b&gt;</ept> <ph x="1"/>runs<![CDATA[ <on>]]>.'
    path = put("a.tmx", memory(f'<tuv xml:lang="en"><prop>no</prop><seg>{text}</seg></tuv>'))
    assert [row.values for row in Tmx().read(path).records if isinstance(row, Record)] == [("A red dog runs <on>.",)]


def test_units_that_cannot_be_used_are_reported_with_their_line(put: Put) -> None:
    path = put("a.tmx", memory(
        "<tuv><seg>x</seg></tuv>", '<tuv xml:lang="fr"><seg>a&nbsp;b</seg></tuv>',
        '<tuv xml:lang="fr"><seg>a</seg></tuv><tuv xml:lang="FR"><seg>b</seg></tuv>',
    ))  # fmt: skip
    assert [(row.line, row.reason) for row in Tmx().read(path).records if isinstance(row, Dropped)] == [
        (6, "has a text without a language (xml:lang)"),
        (7, "has the entity &nbsp; which the file does not define"),
        (8, "has two texts in 'fr'"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('<!DOCTYPE tmx [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><tmx><body/></tmx>', "line 1: defines the entity 'a'"),
        (
            '<!DOCTYPE tmx [<!ENTITY x SYSTEM "file:///etc/passwd">]><tmx><body><tu>&x;</tu></body></tmx>',
            "defines the entity 'x'",
        ),
        ("<tmx><body>\n<tu></tuv></body></tmx>", "line 2: is not XML: mismatched tag"),
        ("<tmx><body><tu>", "is not XML: no element found"),
        ("<tmx><body></body></tmx>", "has no translation unit"),
        ("<tmx><body><tu/></body></tmx>", "has no text with a language"),
        ("<tmx>" + "<a>" * 200, "in over 100 levels"),
        ("<xliff></xliff>", "is XML with <xliff> and no translation memory"),
        ("", "is empty"),
    ],
)
def test_what_is_no_translation_memory_is_refused(content: str, message: str, put: Put) -> None:
    with pytest.raises(DataError, match=message):
        open_sheet(put("a.tmx", content))


def test_the_encoding_is_the_one_that_the_file_declares(put: Put) -> None:
    text = memory('<tuv xml:lang="de"><seg>Straße</seg></tuv>').replace("UTF-8", "ISO-8859-1")
    assert [*Tmx().read(put("a.tmx", text.encode("latin-1"))).records] == [Record(6, ("Straße",))]
    wide = memory('<tuv xml:lang="de"><seg>Straße</seg></tuv>').replace("UTF-8", "UTF-16").encode("utf-16")
    assert [*Tmx().read(put("b.tmx", wide)).records] == [Record(6, ("Straße",))]


def test_what_was_written_reads_back_equal(tmp_path: Path) -> None:
    texts = st.none() | st.text(
        st.characters(exclude_categories=("Cs", "Cc", "Cn")) | st.sampled_from("\n\r\t<&>"), max_size=9
    )

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(texts, texts), min_size=1, max_size=5))
    def check(rows: list[tuple[str | None, str | None]]) -> None:
        rows = [("first", "erste"), *rows]
        Tmx().write(tmp_path / "a.tmx.gz", ["en-GB", "de"], rows)
        sheet = Tmx().read(tmp_path / "a.tmx.gz")
        assert sheet.columns == ("en-GB", "de")
        assert [row.values for row in sheet.records if isinstance(row, Record)] == rows

    check()


def test_columns_that_are_no_languages_and_characters_that_xml_lacks_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the column 'prediction' is no language"):
        Tmx().write(tmp_path / "a.tmx", ["en", "prediction"], [("a", "b")])
    with pytest.raises(DataError, match=r"cannot write U\+0001 of row 2 \(column 'de'\)"):
        Tmx().write(tmp_path / "a.tmx", ["en", "de"], [("a", "b"), ("a", "\x01")])
    assert not [*tmp_path.iterdir()]


def test_damage_gives_rows_or_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.tmx"
    sound = memory(
        '<tuv xml:lang="en"><seg>A &amp; <hi>b</hi></seg></tuv><tuv xml:lang="de"><seg>ß</seg></tuv>'
    ).encode()

    @settings(max_examples=150, deadline=None)
    @given(st.lists(st.tuples(st.integers(0, len(sound) - 1), st.integers(0, 255)), min_size=1, max_size=4))
    def check(changes: list[tuple[int, int]]) -> None:
        data = bytearray(sound)
        for place, byte in changes:
            data[place] = byte
        path.write_bytes(bytes(data))
        try:
            assert all(isinstance(row, Record | Dropped) for row in open_sheet(path).records)
        except DataError as error:
            assert "a.tmx" in str(error)

    check()


def test_memory_does_not_grow_with_the_file(put: Put) -> None:
    unit = f'<tuv xml:lang="en"><seg>{"word " * 40}</seg></tuv>'
    path = put("a.tmx", memory(*[unit] * 30_000))
    tracemalloc.start()
    count = sum(1 for _ in Tmx().read(path).records)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 30_000
    assert path.stat().st_size > 7_000_000
    assert peak < 5_000_000


def test_columns_are_called_as_the_languages_that_are_wanted(put: Put) -> None:
    units = '<tuv xml:lang="en-US"><seg>A</seg></tuv><tuv xml:lang="de"><seg>B</seg></tuv><tuv xml:lang="de-AT"><seg>C</seg></tuv>'
    path = put("a.tmx", memory(units))
    assert [*open_table(path, sides={"source": "en", "target": "de-AT"}).columns] == ["source", "de", "target"]
    with pytest.raises(DataError, match=r"has no texts in 'fr'; the languages that it has are en-US, de, de-AT"):
        open_table(path, sides={"fr": "fr"})
    with pytest.raises(DataError, match=r"has several columns in 'deu' \(de, de-AT\); name one of them"):
        open_table(path, sides={"target": "deu"})
