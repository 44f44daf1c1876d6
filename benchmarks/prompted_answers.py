"""Answers that a small decoder finds in texts when it is asked, with examples in front and without, beside word overlap.

    python benchmarks/prompted_answers.py --smol FOLDER [--only NAME ...] [--shots 0 1 2] [--questions 100] [--seeds N ...]
        [--threads N] [--busy] [--quick]

So many questions of the development slice of SQuAD 1.1, drawn by seed, are scored. Examples come from 8 training questions, which
are of other articles, and nothing is chosen; 8 more are the validation part, which the confidence of answers is fitted on.
`word-overlap` answers from the same files by counting words. Scores are F1 and exact match by the official rules, with
intervals that resample articles. FOLDER is what `headstart import` made of smol; without it, programs that ask are left out
and said. Raw results: benchmarks/results/prompted_answers.jsonl, a line per program and seed.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import draws
import records
from few_labels import timed

RESULTS = "prompted_answers.jsonl"
KEYS = ("program", "questions", "seed", "device")
EXAMPLES = 8
"""Training questions, and questions of the validation part."""
OVERLAP = "word-overlap"


def files(folder: Path, questions: int, seed: int) -> list[str]:
    """Words of a command that name the files that are learnt from, chosen on and scored."""
    part = draws.questions(folder / "both.json", "train.json.gz", 2 * EXAMPLES, seed)
    articles = json.loads(part.read_text(encoding="utf-8"))["data"]
    paragraphs = [(article["title"], each) for article in articles for each in article["paragraphs"]]
    made = []
    for name, some in (("train", paragraphs[::2]), ("validation", paragraphs[1::2])):
        data = [{"title": title, "paragraphs": [paragraph]} for title, paragraph in some]
        made.append(folder / f"{name}.json")
        made[-1].write_text(json.dumps({"version": "1.1", "data": data}), encoding="utf-8")
    scored = draws.questions(folder / "test.json", "dev.json", questions, seed)
    return [str(made[0]), "--validation", str(made[1]), "--test", str(scored)]


def main() -> None:
    """Fit, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=["prompting", OVERLAP], default=["prompting", OVERLAP])
    parser.add_argument("--shots", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--smol", default=os.environ.get("HEADSTART_SMOL", "models/smol"), help="folder of the decoder")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--busy", action="store_true", help="other work runs beside it: times say nothing")
    parser.add_argument("--quick", action="store_true", help="3 questions, nothing kept: does it run?")
    options = parser.parse_args()
    questions = 3 if options.quick else options.questions
    asking = ["--strategy", "prompting", "--backbone", options.smol, "--max-length", "1024", "--shots"]
    programs = {
        f"prompting, {shots} shots": [*asking, str(shots)] for shots in options.shots if "prompting" in options.only
    }
    if programs and not Path(options.smol).is_dir():
        print(f"there is no decoder in {options.smol}; {', '.join(programs)} are left out", file=sys.stderr)
        programs = {}
    programs |= {OVERLAP: ["--strategy", OVERLAP]} if OVERLAP in options.only else {}
    for seed in options.seeds:
        for program, words in programs.items():
            with tempfile.TemporaryDirectory() as place:
                command = [sys.executable, "-m", "headstart.cli", "fit", *files(Path(place), questions, seed), *words]
                command += [
                    "--task",
                    "question-answering",
                    "--no-controls",
                    "--no-refit",
                    "--seed",
                    str(seed),
                    "--budget",
                    "none",
                ]
                command += ["-o", f"{place}/run", "--json", "--quiet"]
                command += ["--threads", str(options.threads)] if options.threads else []
                said, seconds = timed(command, options.threads)
                told = records.described(f"{place}/run")
            found = json.loads(said)
            scores = {name: found["scores"]["test"][name] for name in ("answer_f1", "exact_match")}
            row = {
                "program": program, "questions": questions, "seed": seed, "device": records.device(), "threads": options.threads,
                "quiet": not options.busy, "seconds": round(seconds, 1), "description": told,
                "scores": scores,
            }  # fmt: skip
            if not options.quick:
                records.keep(RESULTS, row, KEYS)
            f1, same = scores["answer_f1"], scores["exact_match"]
            print(
                f"{program:20} F1 {f1['value']:.3f} [{f1['low']:.3f}, {f1['high']:.3f}], exact {same['value']:.3f}, "
                f"{seconds:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
