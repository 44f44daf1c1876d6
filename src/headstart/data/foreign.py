"""What a file is that was taken for data: an archive, a picture, a workbook, a web page, a pointer to the file itself."""

import re
from pathlib import Path
from shlex import quote

_PICTURE = " and no table; was another file meant?"
_MAGIC = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook; save it as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save it as CSV"),
    (b"PAR1\x15", "a Parquet file; name it .parquet or choose that format"),
    (b"\xfd7zXZ\x00", "xz-compressed; unpack it, or compress it with gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed; unpack it, or compress it with gzip"),
    (b"BZh91AY&SY", "bzip2-compressed; unpack it, or compress it with gzip"),
    (b"\x1f\x8b", "compressed with gzip twice; unpack it once"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it"),
    (b"Rar!\x1a\x07", "a RAR archive; unpack it"),
    (b"%PDF-", "a PDF document; take the text out of it, one row per line"),
    (b"{\\rtf", "a document in Rich Text Format; save it as plain text or CSV"),
    (b"SQLite format 3\x00", "an SQLite database; export a table as CSV"),
    (b"ARROW1\x00\x00", "an Arrow (Feather) file; write it as Parquet"),
    (b"\xff\xff\xff\xff", "an Arrow stream, as datasets saves it; write it as Parquet with Dataset.to_parquet"),
    (b"\x93NUMPY", "an array of numpy; write it as CSV or Parquet"),
    (b"\x89HDF\r\n", "an HDF5 file; write it as CSV or Parquet"),
    (b"\x89PNG\r\n\x1a\n", f"a picture (PNG){_PICTURE}"),
    (b"\xff\xd8\xff", f"a picture (JPEG){_PICTURE}"),
    (b"GIF87a", f"a picture (GIF){_PICTURE}"),
    (b"GIF89a", f"a picture (GIF){_PICTURE}"),
    (b"II*\x00", f"a picture (TIFF){_PICTURE}"),
    (b"MM\x00*", f"a picture (TIFF){_PICTURE}"),
    (b"OggS\x00", f"a sound recording (Ogg){_PICTURE}"),
    (
        b"#FORMAT=WebAnno TSV",
        "a file of WebAnno or INCEpTION, whose columns say several things at once; export it there as CoNLL 2002 or 2003",
    ),
    (b"version https://git-lfs.github.com/spec/", "a Git LFS pointer and not the file itself; fetch that with: git lfs pull"),
)  # fmt: skip
_ANNEX = re.compile(rb"\S*/annex/objects/\S+\s*")
_PAGE = re.compile(rb"\s*(?:<!--.{0,300}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_LABEL = re.compile(rb"(?:\xef\xbb\xbf)?__label__\S")
_FASTTEXT = (
    r"""awk 'BEGIN {print "label\ttext"} {said = ""; while (match($0, /^__label__[^ \t,]+[ \t,]*/)) """
    r"""{one = substr($0, 10, RLENGTH - 9); """
    r"""gsub(/[ \t,]/, "", one); said = said (said ? "|" : "") one; $0 = substr($0, RLENGTH + 1)} print said "\t" $0}'"""
)
"""Lines of labels and a text as a table of two columns; several labels are parted by `|`."""
_BRAT = re.compile(rb"(?:\xef\xbb\xbf)?T\d+\t\S+ \d+ \d+(?:;\d+ \d+)*\t")
_ENDED = re.compile(rb".*[^@\s]\s*@(?P<label>[^@\s,;.]+)\r?")
_SLASHED = re.compile(rb"\S+/(?:O|[BIESLUM]-\S+)")
_UNSLASHED = r"""awk '{for (i = 1; i <= NF; i++) {at = match($i, /\/[^\/]*$/); """
_UNSLASHED += r"""print substr($i, 1, at - 1) "\t" substr($i, at + 1)} print ""}'"""
"""Words with tags behind a slash as a word per line, an empty line behind each sentence."""
_XML = re.compile(rb"\s*<\?xml\s", re.IGNORECASE)
_REFUSAL = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?<Error>\s*<Code>(?P<code>[\w.-]{1,60})</Code>")
_PICKLE = re.compile(rb"\x80[\x02-\x05](?:\x95.{8}|[(}\]c])", re.DOTALL)
_TAR = b"ustar"
_RIFF = {b"WEBP": "a picture (WebP)", b"WAVE": "a sound recording (WAV)", b"AVI ": "a film (AVI)"}
_TABLES = (".csv", ".tsv", ".jsonl", ".json", ".parquet", ".conll")
_ADDRESS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]+):/+(?P<rest>.*)", re.IGNORECASE)


def foreign(head: bytes) -> str | None:
    """What a file is by its first bytes where it is no text, with what to do; None where nothing is known of it.

    Args:
        head: its beginning, unpacked; some hundred bytes tell.
    """
    for magic, what in _MAGIC:
        if head.startswith(magic):
            return what
    if head.startswith(b"RIFF") and (kind := _RIFF.get(head[8:12])):
        return f"{kind}{_PICTURE}"
    if head[257:262] == _TAR:
        return "a tar archive; unpack it"
    if _PICKLE.match(head):
        return "a pickle of Python, which may run code when it is read; write it as CSV or Parquet"
    if _ANNEX.fullmatch(head):
        return "a git-annex pointer and not the file itself; fetch that with: git annex get"
    return None


def web_page(head: bytes) -> str | None:
    """What a file is where it is a web page or XML in the place of a table; None where it is neither."""
    head = head.removeprefix(b"\xef\xbb\xbf")
    if _PAGE.match(head):
        return "a web page (HTML) and no table; was a link to a page saved in place of the file that it offers?"
    if found := _REFUSAL.match(head):
        said = found["code"].decode(errors="replace")
        return f"the answer of a server that refused ({said}) and not the file itself; download that again"
    return "XML and no table; convert it to CSV, JSON lines or Parquet" if _XML.match(head) else None


def address(path: Path) -> str | None:
    """What to do with a name that is an address and no path; None where it is a path. `Path` makes one slash of two."""
    found = _ADDRESS.fullmatch(str(path))
    if found is None:
        return None
    scheme, rest = found["scheme"].lower(), found["rest"]
    if scheme == "file":
        return f"{path} is written as an address; give the path: {quote('/' + rest)}"
    url = f"{scheme}://{rest}"
    how = f": curl -LO {quote(url)}" if scheme in ("http", "https", "ftp") else ""
    return f"{url} is an address and no file of this machine; download it first{how}"


def annotations(head: bytes, path: Path) -> str | None:
    """What a file is where it has words with tags, or spans, in a form that is not read, and how to convert it; else None."""
    if _BRAT.match(head):
        return (
            "annotations of brat, which stand apart from their text; write both as JSON lines, each with the keys text and spans, "
            'such as {"text": "Rome", "spans": [{"start": 0, "end": 4, "label": "LOC"}]}'
        )
    *lines, _ = head.split(b"\n")
    ends = [found["label"] for line in lines if line.strip() and (found := _ENDED.fullmatch(line))]
    if len(ends) > 3 and len(ends) == sum(bool(line.strip()) for line in lines) and 1 < len({*ends}) <= len(ends) // 2:
        return (
            "texts with their label behind '@' at the end of each line; make a table of it: "
            f'(printf \'text\\tlabel\\n\'; sed \'s/"/""/g; s/^\\(.*\\)@/"\\1"\\t/\' {quote(str(path))}) > rows.tsv'
        )
    words = head.rpartition(b" ")[0].split()
    if len(words) > 3 and sum(_SLASHED.fullmatch(word) is not None for word in words) >= 0.9 * len(words):
        return (
            f"words with their tags behind a slash; write one per line: {_UNSLASHED} {quote(str(path))} > words.conll"
        )
    return None


def folder(path: Path) -> str:
    """What a folder is that was taken for a file, with what to do."""
    names = sorted(each.name for each in path.iterdir())[:1000]
    if any(name.endswith(".arrow") for name in names) or "dataset_dict.json" in names:
        return "a folder of datasets; write a part of it as Parquet: datasets.load_from_disk(FOLDER).to_parquet(FILE)"
    if any(name.endswith(".ann") for name in names):
        return "a folder of brat, where annotations stand apart from their texts; write both as JSON lines with text and spans"
    tables = [name for name in names if name.lower().removesuffix(".gz").endswith(_TABLES)]
    if tables:
        return f"a folder; name a file in it, such as {path / tables[0]}"
    labels = [name for name in names if (path / name).is_dir()]
    texts = next((pattern for pattern in ("*/*.txt", "*/*/*.txt") if any(path.glob(pattern))), "")
    if len(labels) < 2 or texts != "*/*.txt":
        below = "; name the one that has a folder for each label" if texts else ""
        return f"a folder; expected a file{below}"
    code = (
        "import csv, pathlib, sys; w = csv.writer(sys.stdout); w.writerow(['text', 'label']); w.writerows("
        f"(f.read_text('utf-8'), f.parent.name) for f in sorted(pathlib.Path({str(path)!r}).glob('*/*.txt')))"
    )
    return f"a folder with a folder of texts for each label; make a table of it: python -c {quote(code)} > rows.csv"


def fasttext(head: bytes, path: Path) -> str | None:
    """What a file is where its lines begin with the labels of fastText, and the command that makes a table of it; else None."""
    return (
        f"in the form of fastText; make a table of it: {_FASTTEXT} {quote(str(path))} > rows.tsv"
        if _LABEL.match(head)
        else None
    )
