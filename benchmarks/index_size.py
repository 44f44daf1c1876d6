"""An index of a million short passages: memory of the command that makes it, then kills, changes and searches.

    python benchmarks/index_size.py [--passages 1000000] [--retriever hybrid] [--kills 20] [--vectors random|mini] [--busy]
        [--quick]

The passages are sentences of SQuAD's paragraphs over and over, each with a word left out and two numbers put in. Memory
is the largest anonymous memory (RssAnon) of the process, looked at ten times a second; mapped files do not count. With
`--vectors random` the network is left out and vectors are drawn, so that a million take minutes: what is measured is
the index, not the network. Then a document is added by a process that is killed after a random time, again and again:
after each the index has to be the earlier one or the new one, all digests right. Raw results:
benchmarks/results/index_size.jsonl.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import records

RESULTS = "index_size.jsonl"
KEYS = ("passages", "retriever", "vectors")


def passages(count: int, start: int = 0) -> Iterator[Any]:
    """Short passages, no two of which are alike."""
    from headstart.ranking.passages import Passage
    from untouched_retrieval import squad

    sentences = [
        each.split() for text in squad()[0] for each in re.split(r"(?<=[.!?]) ", text) if len(each.split()) > 4
    ]
    chance = random.Random(start)
    for at in range(start, start + count):
        words = list(sentences[at % len(sentences)])
        del words[chance.randrange(len(words))]
        words.insert(chance.randrange(len(words) + 1), str(at))
        words.insert(chance.randrange(len(words) + 1), str(chance.randrange(1000)))
        text = " ".join(words)
        yield Passage(f"p{at}", text, "", f"p{at}", "made up", at + 1, 0, len(text))


def encoder(vectors: str) -> Any:
    """The network, or one whose vectors are drawn by their text."""
    from headstart.backbones.location import BackboneSource, locate
    from headstart.indexes.encoder import Encoder

    found = Encoder(locate(BackboneSource(location="mini")), width=384)
    if vectors == "random":

        def drawn(texts: Any, **_: Any) -> tuple[np.ndarray, np.ndarray]:
            seeds = np.array([int.from_bytes(text.encode()[-8:], "little") % 2**32 for text in texts])
            made = np.random.default_rng(seeds[:1]).standard_normal((len(texts), 384), dtype=np.float32)
            made += (seeds[:, None] % 97).astype(np.float32) / 97
            return made / np.linalg.norm(made, axis=1, keepdims=True), np.zeros(len(texts), np.int32)

        found.passages = drawn  # type: ignore[method-assign]
        found.queries = lambda texts: drawn(texts)[0]  # type: ignore[method-assign]
    return found


def child(job: str, folder: str, count: int, retriever: str, vectors: str) -> None:
    """Make an index, or add a document to one, in this process."""
    from headstart.indexes.index import Index

    network = encoder(vectors) if retriever != "bm25" else None
    if job == "make":
        Index.build(folder, passages(count), retriever=retriever, encoder=network)  # type: ignore[arg-type]
        return
    index = Index.open(folder)
    index.encoder = network
    index.add(passages(5, start=count))


def watched(words: list[str]) -> tuple[float, float]:
    """Seconds of a process, and its largest anonymous memory in GB."""
    begun, most = time.perf_counter(), 0
    process = subprocess.Popen(words)
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
            most = max(most, int(re.search(r"RssAnon:\s+(\d+)", status)[1]))  # type: ignore[index]
        except (OSError, TypeError):
            pass
        time.sleep(0.1)
    if process.returncode:
        raise RuntimeError(f"{words} ended with {process.returncode}")
    return time.perf_counter() - begun, most / 1e6


def torn(folder: Path, counts: tuple[int, int]) -> bool:
    """Whether an index is neither the earlier nor the later one."""
    from headstart.errors import HeadstartError
    from headstart.indexes.publishing import opened

    try:
        found = opened(folder)
        found.verify()
        return len(found.passages) not in counts or len(found.ranked) != found.said.ranked
    except HeadstartError as error:
        print(error, file=sys.stderr)
        return True


def main() -> None:
    """Make, search, kill, print."""
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5], sys.argv[6])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--retriever", default="hybrid", choices=["bm25", "dense", "hybrid"])
    parser.add_argument("--vectors", default="random", choices=["random", "mini"])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--busy", action="store_true", help="other work runs beside it: times say nothing")
    parser.add_argument("--quick", action="store_true", help="2,000 passages and 3 kills: does it run?")
    options = parser.parse_args()
    count, kills = (2_000, 3) if options.quick else (options.passages, options.kills)
    os.environ |= {"HF_HUB_OFFLINE": "1"}
    from headstart.indexes.index import Index

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "index"
        words = [sys.executable, str(Path(__file__)), "--child"]
        more = [str(count), options.retriever, options.vectors]
        seconds, memory = watched([*words, "make", str(folder), *more])
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e9
        index = Index.open(folder)
        if index.encoder is not None:
            index.encoder = encoder(options.vectors)
        times = []
        for passage in passages(20, start=count // 2):
            begun = time.perf_counter()
            index.search([passage.text])
            times.append(time.perf_counter() - begun)
        shutil.copytree(folder, Path(place) / "changed")
        longer, peak = watched([*words, "add", str(Path(place) / "changed"), *more])
        chance, broken, finished = random.Random(0), 0, 0
        for _ in range(kills):
            process = subprocess.Popen([*words, "add", str(folder), *more])
            time.sleep(chance.uniform(0, longer))
            process.send_signal(signal.SIGKILL)
            process.wait()
            broken += torn(folder, (count, count + 5))
            finished += len(Index.open(folder)) == count + 5
        subprocess.run([*words, "add", str(folder), *more], check=True)
        broken += torn(folder, (count + 5, count + 5))
    row: dict[str, Any] = {
        "passages": count,
        "retriever": options.retriever,
        "vectors": options.vectors,
        "quiet": not options.busy,
    }
    row |= {"seconds": round(seconds, 1), "memory_gb": round(memory, 3), "disk_gb": round(size, 3)}
    row |= {"milliseconds_to_search": round(1000 * statistics.median(times), 2)}
    row |= {"seconds_to_add": round(longer, 1), "memory_to_add_gb": round(peak, 3)}
    row |= {"kills": kills, "finished_before": finished, "torn": broken}
    if not options.quick:
        records.keep(RESULTS, row, KEYS)
    print(json.dumps(row))


if __name__ == "__main__":
    main()
