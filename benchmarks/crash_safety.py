"""Killed, torn, spoilt: what becomes of a run that goes on, for headstart and for `transformers.Trainer`.

    python benchmarks/crash_safety.py [--kills 60] [--quick]

Both train the same small random BERT on 96 rows of SST-2 for two epochs and leave a checkpoint after every step. Then each
run is gone on with as its documentation says until it ends, and its final weights are compared with those of a run that
nothing had stopped:

- `killed at random times`: SIGKILL from outside, seeded;
- `killed while writing`: SIGKILL before or after each of the first two calls of every function that writes;
- `file deleted`, `byte flipped`, `file cut`: of every file of the newest checkpoint of a run that was killed, in turn.

- `NaN loss in one step`: are the weights at the end finite, and which losses were logged.

An outcome is `same` (the very weights), `other` (it ended well and without a word, with other weights), `told` (it refused in
words) or `traceback`. Raw results: benchmarks/results/crash_safety.jsonl.
"""

import argparse
import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import draws
import records

sys.path.insert(0, str(Path(__file__).parent / "peers"))
RESULTS = "crash_safety.jsonl"
KEYS = ("program", "what")
PROGRAMS = ("headstart", "Trainer")
POINTS = {
    "headstart": (
        "headstart.runtime.durable.sync",
        "headstart.runtime.durable.rename",
        "headstart.runtime.durable.write_json",
        "headstart.runtime.durable.discard",
        "headstart.training.checkpoints.save_file",
    ),
    "Trainer": (
        "torch.save",
        "transformers.modeling_utils.safe_save_file",
        "transformers.trainer.TrainerState.save_to_json",
        "transformers.trainer_utils.shutil.rmtree",
    ),
}


def tiny(folder: Path) -> Path:
    """A small random network with the tokenizer of `mini`."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel

    from headstart.backbones.location import BackboneSource, locate

    source = locate(BackboneSource()).folder
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(str(source))
    sizes: dict[str, Any] = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    BertModel(BertConfig(vocab_size=len(tokenizer), **sizes)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def owner_of(dotted: str) -> tuple[Any, str]:
    """The object that holds a function, and the function's name in it."""
    import importlib

    parts = dotted.split(".")
    for at in range(len(parts) - 1, 0, -1):
        with contextlib.suppress(ImportError):
            found: Any = importlib.import_module(".".join(parts[:at]))
            for part in parts[at:-1]:
                found = getattr(found, part)
            return found, parts[-1]
    raise ImportError(dotted)


def killing(dotted: str, hit: int, when: str) -> None:
    """Have this process killed at a call of a function."""
    owner, name = owner_of(dotted)
    call, calls = getattr(owner, name), [0]

    def wrapped(*arguments: Any, **named: Any) -> Any:
        calls[0] += 1
        if (calls[0], when) == (hit, "before"):
            os.kill(os.getpid(), signal.SIGKILL)
        found = call(*arguments, **named)
        if (calls[0], when) == (hit, "after"):
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    setattr(owner, name, wrapped)


class Bench:
    """Runs of both programs in forks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.backbone = tiny(folder / "tiny")
        self.train = draws.training_file("sst2", folder, rows=96)
        self.spoilt: int | None = None
        """Step whose loss is NaN."""

    def ours(self, place: Path) -> None:
        """One process of headstart: a new run, or one that goes on."""
        import headstart.cli.main as cli
        from headstart.tasks.text_classification import TextClassification

        loss, calls = TextClassification.loss, [0]

        def spoilt(*arguments: Any) -> Any:
            summed, weight = loss(*arguments)
            calls[0] += 1
            return (summed * float("nan") if calls[0] - 1 == self.spoilt else summed), weight

        if self.spoilt is not None:
            TextClassification.loss = spoilt  # type: ignore[method-assign]
        run = place / "run"
        first = ["fit", self.train, "--backbone", self.backbone, "--strategy", "fine-tuning", "--no-controls"]
        first += ["--epochs", "2", "--batch-size", "16", "--folds", "0", "--head", "native", "--checkpoint-every", "0"]
        first += ["--threads", "1", "--no-cache", "--test-share", "0", "-o", run]
        begun = (place / "run.part" / "run.json").is_file() or (run / "headstart.json").is_file()
        sys.argv = ["headstart", *map(str, ["resume", run] if begun else first)]
        cli.STARTED = time.perf_counter()
        cli.main()

    def theirs(self, place: Path) -> None:
        """One process of the peer."""
        import trainer_resume  # type: ignore[import-not-found]

        trainer_resume.run(str(self.train), str(self.backbone), str(place / "run"), self.spoilt)

    def fork(
        self, program: str, place: Path, *, after: float | None = None, prepare: Callable[[], None] | None = None
    ) -> int:
        """Run a process to its end, killed after so many seconds; gives its exit code or minus the signal."""
        place.mkdir(parents=True, exist_ok=True)
        pid = os.fork()
        if not pid:
            code = 1
            try:
                for number, name in ((1, "out"), (2, "err")):
                    os.dup2(os.open(place / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
                sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
                if prepare is not None:
                    prepare()
                (self.ours if program == "headstart" else self.theirs)(place)
                code = 0
            except SystemExit as leaving:
                code = leaving.code if isinstance(leaving.code, int) else int(bool(leaving.code))
            except BaseException:
                import traceback

                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        if after is not None:
            time.sleep(after)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def weights(self, program: str, place: Path) -> str:
        """Digest of the final weights."""
        if program == "Trainer":
            return json.loads((place / "out").read_text().strip().split("\n")[-1])["weights"]
        files = sorted((place / "run").rglob("*.safetensors"))
        return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()

    def outcome(self, program: str, place: Path, code: int, expected: str) -> str:
        """What became of a run."""
        said = (place / "err").read_text()
        if code:
            return "traceback" if "Traceback" in said else "told"
        return "same" if self.weights(program, place) == expected else "other"

    def newest(self, program: str, place: Path) -> Path:
        """The newest checkpoint of a run that was killed."""
        if program == "Trainer":
            return max((place / "run").glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
        return max((place / "run.part").rglob("step-*"))


def spoil(path: Path, how: str, chance: random.Random) -> None:
    """Delete a file, flip a byte of it, or cut it."""
    content = path.read_bytes()
    if how == "file deleted" or not content:
        path.unlink()
        return
    at = chance.randrange(len(content))
    flipped = content[:at] + bytes([content[at] ^ (1 << chance.randrange(8))]) + content[at + 1 :]
    path.write_bytes(content[:at] if how == "file cut" else flipped)


def measured(bench: Bench, program: str, kills: int, times: int) -> dict[str, Counter[str]]:
    """All outcomes of a program."""
    found: dict[str, Counter[str]] = {}
    whole = bench.folder / program / "whole"
    started = time.perf_counter()
    assert bench.fork(program, whole) == 0, (whole / "err").read_text()
    seconds = time.perf_counter() - started
    expected = bench.weights(program, whole)
    chance = random.Random(kills)
    place = bench.folder / program / "one"

    def begun() -> Path:
        shutil.rmtree(place, ignore_errors=True)
        return place

    found["killed at random times"] = Counter()
    done = 0
    while done < kills:
        begun()
        code, here = -signal.SIGKILL, 0
        while code == -signal.SIGKILL:
            code = bench.fork(program, place, after=None if here == 4 else chance.uniform(0.1, 0.8) * seconds)
            here += code == -signal.SIGKILL
        done += here
        if here:
            found["killed at random times"][bench.outcome(program, place, code, expected)] += 1
    found["killed while writing"] = Counter()
    for point in POINTS[program]:
        for hit in (1, 2, 3):
            for when in ("before", "after"):
                if bench.fork(program, begun(), prepare=lambda at=(point, hit, when): killing(*at)) != -signal.SIGKILL:
                    continue
                code = bench.fork(program, place)
                found["killed while writing"][bench.outcome(program, place, code, expected)] += 1
    stopped = bench.folder / program / "stopped"
    steps = (
        "headstart.runtime.durable.sync" if program == "headstart" else "transformers.trainer.TrainerState.save_to_json"
    )
    at = (steps, 60, "before") if program == "headstart" else (steps, 8, "after")
    assert bench.fork(program, stopped, prepare=lambda: killing(*at)) == -signal.SIGKILL
    if program == "Trainer":  # what it was writing when it was killed is another matter
        shutil.rmtree(bench.newest(program, stopped))
    names = sorted(path.name for path in bench.newest(program, stopped).iterdir())
    for how in ("file deleted", "byte flipped", "file cut"):
        found[how] = Counter()
        for name in names:
            for _ in range(1 if how == "file deleted" else times):
                shutil.copytree(stopped, begun())
                spoil(bench.newest(program, place) / name, how, chance)
                code = bench.fork(program, place)
                found[how][bench.outcome(program, place, code, expected)] += 1
    return found


def with_nan(bench: Bench, program: str) -> dict[str, Any]:
    """What a loss that is NaN in one step comes to."""
    import numpy as np
    from safetensors.numpy import load_file

    place = bench.folder / program / "nan"
    bench.spoilt = 4
    code = bench.fork(program, place)
    bench.spoilt = None
    if program == "Trainer":
        found = json.loads((place / "out").read_text().strip().split("\n")[-1])
        return {"code": code, "finite": found["finite"], "losses": [float(loss) for loss in found["losses"]]}
    curve = json.loads((place / "run" / "evidence.json").read_text())["leaderboard"][0]["curve"]
    weights = load_file(place / "run" / "model.safetensors").values()
    finite = all(bool(np.isfinite(weight).all()) for weight in weights)
    return {"code": code, "finite": finite, "losses": [epoch["train_loss"] for epoch in curve]}


def main() -> None:
    """Measure both and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--times", type=int, default=5, help="bytes and cuts per file")
    parser.add_argument("--only-nan", action="store_true", help="the last of these alone")
    parser.add_argument("--quick", action="store_true", help="two kills, one byte per file, nothing kept")
    options = parser.parse_args()
    kills, times = (2, 1) if options.quick else (options.kills, options.times)
    os.environ |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    import torch
    import transformers.models.bert.modeling_bert
    import transformers.trainer

    import headstart.predictors.network
    import headstart.report.page
    import headstart.runs.comparison
    import headstart.strategies.training_run

    _ = headstart, transformers
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for program in PROGRAMS:
            found = {} if options.only_nan else measured(bench, program, kills, times)
            for what, outcomes in found.items():
                row = {
                    "program": program,
                    "what": what,
                    **{name: outcomes[name] for name in ("same", "other", "told", "traceback")},
                }
                if not options.quick:
                    records.keep(RESULTS, row, KEYS)
                print(json.dumps(row), flush=True)
            row = {"program": program, "what": "NaN loss in one step", **with_nan(bench, program)}
            if not options.quick:
                records.keep(RESULTS, row, KEYS)
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
