"""Readers: from a path to rows, strict and exact."""

from headstart.registry import Registry

READERS = Registry(
    "reader",
    {
        "conll": "headstart.readers.conll:Conll",
        "conllu": "headstart.readers.conllu:ConllU",
        "csv": "headstart.readers.delimited:CommaSeparated",
        "tsv": "headstart.readers.delimited:TabSeparated",
        "jsonl": "headstart.readers.jsonl:JsonLines",
        "parquet": "headstart.readers.parquet:Parquet",
        "tmx": "headstart.readers.tmx:Tmx",
    },
    group="headstart.readers",
)
