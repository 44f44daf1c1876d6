"""How fast a run writes: its own search and what it was exported to, against transformers' generate.

    python benchmarks/decoding_speed.py RUN [--sentences 1000] [--beams 4] [--repeats 3] [--threads N] [--latency 100] [--busy]
        [--quick]

The sources of test2016 of Multi30k are written for in every way in turn, in every repeat, in one process: by `generate` of
transformers in batches of 32 in the order of the file, with the same beams, penalty and end, a batch as long as its longest limit;
by headstart's own search; by CTranslate2 with weights in float32 and in int8, exported here from the same run without a gate.
Seconds are those of whole calls from texts to texts. BLEU is that of sacrebleu; `equal` is the share of texts that are those of
`generate`. For the latency each of some sentences is written for alone, warm: milliseconds at the median and at 95 %. Raw results:
benchmarks/results/decoding_speed.jsonl.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import records
from translation import lines

RESULTS = "decoding_speed.jsonl"
KEYS = ("what", "run", "sentences", "beams", "threads", "processor")
BATCH = 32

Way = Callable[[Sequence[str]], list[str]]


def processor() -> str:
    """What the processor is called."""
    found = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    return found[0] if found else "unknown"


def by_generate(predictor: Any, how: Any) -> Way:
    """Batches of 32 in the order that texts come in, as one writes it with transformers."""
    import torch
    from transformers import GenerationConfig

    backbone, marks = predictor.backbone, predictor.backbone.marks

    def write(texts: Sequence[str]) -> list[str]:
        found = []
        for begin in range(0, len(texts), BATCH):
            tokens = backbone.tokenizer.encode(texts[begin : begin + BATCH])
            rows = np.arange(len(tokens))
            ids, mask = (torch.from_numpy(each) for each in tokens.pad(rows, backbone.tokenizer.pad_id))
            config = GenerationConfig(
                num_beams=how.beams, max_new_tokens=int(how.limits(tokens.lengths, backbone.target.max_length).max()),
                length_penalty=how.length_penalty if how.beams > 1 else None, early_stopping=False, do_sample=False,
                pad_token_id=marks.pad, eos_token_id=marks.end, decoder_start_token_id=marks.start,
                forced_bos_token_id=marks.forced, use_cache=True,
            )  # fmt: skip
            with torch.inference_mode():
                said = backbone.network.generate(input_ids=ids, attention_mask=mask, generation_config=config)
            found += backbone.target.written([row[1:] for row in said.tolist()])
        return found

    return write


def by_predictor(predictor: Any, how: Any, writer: Any = None) -> Way:
    """What `predict` does, with a writer in the place of the network's own."""
    return lambda texts: [found[0] for found in predictor.written(texts, how, writer=writer).texts]


def exported(predictor: Any, quantization: str, folder: Path) -> Any:
    """A writer with the exported network."""
    from headstart.exports.ctranslate2 import CTranslate2
    from headstart.exports.folder import ExportFolder
    from headstart.manifest import EXPORT, FORMAT, ExportManifest
    from headstart.runtime.contained import digest_of

    kept = CTranslate2()
    folder.mkdir()
    kept.convert(predictor.backbone, folder, quantization)
    files = {path.name: digest_of(folder, path.name) for path in folder.iterdir()}
    said = ExportManifest(
        format=FORMAT,
        kind=EXPORT,
        to=kept.name,
        quantization=quantization,
        network=predictor.network_digest,
        files=files,
    )
    return kept.open(ExportFolder(folder, "", said), predictor.backbone)


def bleu(written: list[str], references: list[str]) -> float:
    """BLEU of sacrebleu, cased, 13a."""
    import sacrebleu

    return sacrebleu.corpus_bleu(written, [references], force=True).score


def latency(way: Way, texts: Sequence[str]) -> dict[str, float]:
    """Milliseconds of one sentence alone, the first one written for once before."""
    way(texts[:1])
    spent = []
    for text in texts:
        begun = time.perf_counter()
        way([text])
        spent.append(1000 * (time.perf_counter() - begun))
    return {f"p{share}": round(float(np.percentile(spent, share)), 2) for share in (50, 95)}


def main() -> None:
    """Measure all ways in turn and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="folder of a run with an encoder-decoder from English to German")
    parser.add_argument("--sentences", type=int, default=1000)
    parser.add_argument("--beams", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--latency", type=int, default=100, help="sentences that are written for one by one")
    parser.add_argument("--busy", action="store_true", help="other work runs beside it: times say nothing")
    parser.add_argument("--quick", action="store_true", help="20 sentences, one repeat, nothing kept: does it run?")
    options = parser.parse_args()
    if options.quick:
        options.sentences, options.repeats, options.latency = 20, 1, 3

    import torch

    from headstart.loading import load

    if options.threads:
        torch.set_num_threads(options.threads)
    predictor: Any = load(options.run, device="cpu", runtime="torch").predictor
    how = predictor.decoding.revised(beams=options.beams, best=1)
    sources, references = (lines(f"test2016.{side}")[: options.sentences] for side in ("en", "de"))
    with tempfile.TemporaryDirectory() as place:
        ways: dict[str, Way] = {"generate": by_generate(predictor, how), "headstart": by_predictor(predictor, how)}
        for quantization in ("float32", "int8"):
            writer = exported(predictor, quantization, Path(place) / quantization)
            ways[f"ctranslate2 {quantization}"] = by_predictor(predictor, how, writer)
        for way in ways.values():
            way(sources[:2])
        seconds: dict[str, list[float]] = {what: [] for what in ways}
        written: dict[str, list[str]] = {}
        for _ in range(options.repeats):
            for what, way in ways.items():
                begun = time.perf_counter()
                written[what] = way(sources)
                seconds[what].append(round(time.perf_counter() - begun, 3))
        for what, way in ways.items():
            pairs = list(zip(written[what], written["generate"], strict=True))
            row = {
                "what": what, "run": Path(options.run).resolve().name, "sentences": len(sources), "beams": options.beams,
                "threads": torch.get_num_threads(), "processor": processor(), "quiet": not options.busy, "seconds": seconds[what],
                "times_generate": round(statistics.median(seconds["generate"]) / statistics.median(seconds[what]), 2),
                "bleu": round(bleu(written[what], references), 2),
                "equal": round(statistics.mean(one == two for one, two in pairs), 4),
                "latency_ms": latency(way, sources[: options.latency]),
            }  # fmt: skip
            if not options.quick:
                records.keep(RESULTS, row, KEYS)
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
