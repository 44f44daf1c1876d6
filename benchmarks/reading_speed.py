"""Rows per second without training: features against sentence-transformers, predictions against `pipeline`.

    python benchmarks/reading_speed.py --peer PYTHON [--rows 2000] [--repeats 3] [--quick]

All programs read the same SST-2 or AG News texts, in turns, each in a process of its own; loading is not timed and a first
small pass warms up. `features`: pooled states of all seven layers, two ways each (what strategies read), against
`SentenceTransformer.encode` with its defaults (one vector per text). `predict`: probabilities of a fine-tuned model with
its architecture's own head against `transformers.pipeline` on the same folder, batched by 32 and, as its best documented
option here, with rows sorted by length. PYTHON is an interpreter with sentence-transformers. Raw results:
benchmarks/results/reading_speed.jsonl.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import draws
import records
from few_labels import timed

RESULTS = "reading_speed.jsonl"
KEYS = ("data", "program", "rows", "repeat")
PEER = Path(__file__).parent / "peers" / "encode_texts.py"
PAIRS = {
    "headstart features": "sentence-transformers encode",
    "headstart predict": "pipeline, batches of 32",
    "headstart predict, float32": "pipeline, batches of 32, sorted",
}
SETS = ("sst2", "ag_news")


def texts_of(path: str) -> list[str]:
    """The texts of a file."""
    return [text for text, _ in draws.rows_of(Path(path))]


def child(program: str, file: str, folder: str) -> None:
    """One program in this process; prints a JSON line."""
    texts = texts_of(file)
    if program.startswith("pipeline"):
        from transformers import pipeline

        classify = pipeline("text-classification", model=folder, device="cpu", top_k=None, truncation=True)

        def work(some: list[str]) -> Any:
            return classify(sorted(some, key=len) if "sorted" in program else some, batch_size=32)
    elif program == "headstart features":
        from headstart.backbones.encoder import TextEncoder
        from headstart.backbones.location import BackboneSource, locate
        from headstart.training.features import pooled_states

        backbone = TextEncoder(locate(BackboneSource())).eval()

        def work(some: list[str]) -> Any:
            return pooled_states(backbone, backbone.tokenizer.encode(some), backbone.poolings)
    else:
        import headstart

        model = headstart.load(folder, precision="float32" if "float32" in program else "auto")

        def work(some: list[str]) -> Any:
            return model.predict_proba(some)

    work(texts[:200])
    begun = time.perf_counter()
    work(texts)
    print(json.dumps({"rows": len(texts), "seconds": round(time.perf_counter() - begun, 3)}))


def measured(program: str, file: Path, folder: Path, peer: str) -> dict[str, Any]:
    """One run in a process of its own."""
    command = [sys.executable, __file__, "--child", program, str(file), str(folder)]
    if program.startswith("sentence"):
        command = [peer, str(PEER), str(file)]
    output, _ = timed(command, None)
    return json.loads(output.strip().split("\n")[-1])


def show(rows: int) -> None:
    """Medians and ratios."""
    found = [row for row in records.rows(RESULTS) if row["rows"] == rows]
    for data in SETS:
        speeds = {
            name: statistics.median(row["rows"] / row["seconds"] for row in found if (row["data"], row["program"]) == (data, name))
            for name in {row["program"] for row in found if row["data"] == data}
        }  # fmt: skip
        for ours, theirs in PAIRS.items():
            if ours in speeds and theirs in speeds:
                print(
                    f"{data:<8} {ours:<28} {speeds[ours]:7.0f} rows/s   {theirs:<32} {speeds[theirs]:7.0f} rows/s   "
                    f"{speeds[ours] / speeds[theirs]:.2f}x"
                )


def main() -> None:
    """Run the programs in turns and print the table."""
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:5])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", default="")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="200 rows, one repeat: does it run?")
    options = parser.parse_args()
    rows, repeats = (200, 1) if options.quick else (options.rows, options.repeats)
    with tempfile.TemporaryDirectory() as place:
        import headstart

        folder = Path(place)
        files = {}
        for data in SETS:
            chosen = draws.rows_of(draws.scored_file(data, folder))
            files[data] = draws.write(folder / f"{data}.csv", chosen[:rows])
        headstart.fit(
            draws.training_file("sst2", folder, rows=200), strategy="fine-tuning", head="native", epochs=1, test_share=0,
            controls=False, output=str(folder / "model"),
        )  # fmt: skip
        for repeat in range(repeats):
            for data in SETS:
                for program in [name for pair in PAIRS.items() for name in pair]:
                    if program.startswith("sentence") and not options.peer:
                        continue
                    row = {"data": data, "program": program, "repeat": repeat}
                    row |= measured(program, files[data], folder / "model", options.peer)
                    if not options.quick:
                        records.keep(RESULTS, row, KEYS)
                    print(json.dumps(row), flush=True)
    if not options.quick:
        for count in sorted({row["rows"] for row in records.rows(RESULTS)}):
            show(count)


if __name__ == "__main__":
    main()
