"""Replies that a decoder writes: the loss of replies it has not seen, as it is, after LoRA, and with random weights.

    python benchmarks/dialogue.py --backbone models/smol [--minutes 10] [--language en] [--quick]

The first 800 dialogues of DailyDialog are learnt from (a share of them is validation), the last 200 are scored; user and assistant
take turns, the user begins. Each strategy has the minutes that are given as the budget of a run of its own. Scored are nats per
token and bits per byte of the assistant's turns, with intervals by dialogue and a paired test against the network as it is. Some
replies are written and shown.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import headstart
from records import keep

DATA = Path(os.environ.get("HEADSTART_DATA", "../shared/data"))
LEARNT, SCORED = 800, 200
"""Dialogues that are learnt from, the first ones, and that are scored, the last ones."""
SHOWN = 5
"""Dialogues to whose first turn a reply is written."""


def files(data: Path, language: str, folder: Path, few: int | None, learnt: int) -> tuple[Path, Path]:
    """Files with the dialogues that are learnt from and those that are scored, at most `few` of each."""
    lines = (data / "dailydialog" / f"{language}.jsonl").read_text("utf-8").splitlines()
    for name, part in (("train", lines[:learnt]), ("test", lines[-SCORED:])):
        (folder / f"{name}.jsonl").write_text("\n".join(part[:few]) + "\n", encoding="utf-8")
    return folder / "train.jsonl", folder / "test.jsonl"


def main() -> None:
    """Run each strategy under the budget, print and keep what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--backbone", default="smol", help="a decoder")
    parser.add_argument("--language", default="en")
    parser.add_argument("--strategies", default="lora,from-scratch")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--dialogues", type=int, default=LEARNT, help="that are learnt from")
    parser.add_argument("--epochs", type=int, help="in place of a budget")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--busy", action="store_true", help="other work runs beside it: times say nothing")
    parser.add_argument("--quick", action="store_true", help="20 dialogues, nothing kept: does it run?")
    args = parser.parse_args()
    given = {"threads": args.threads, "epochs": args.epochs}
    options: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    with tempfile.TemporaryDirectory() as folder:
        train, test = files(args.data, args.language, Path(folder), 20 if args.quick else None, args.dialogues)
        asked = [json.loads(line)["turns"][0] for line in test.read_text("utf-8").splitlines()[:SHOWN]]
        for strategy in args.strategies.split(","):
            started = time.perf_counter()
            budget = "none" if args.epochs else f"{args.minutes}m"
            found = headstart.fit(
                str(train), test=str(test), task="dialogue", backbone=args.backbone, strategies=("untouched", strategy),
                seed=args.seed, controls=False, budget=budget, refit=False, output=f"{folder}/{strategy}", **options,
            )  # fmt: skip
            for row in found.evidence["leaderboard"]:
                score = (row["scores"] or {}).get("test") or {}
                said = " ".join(
                    f"{name} {each['value']:.3f} [{each['low']:.3f}, {each['high']:.3f}]"
                    for name, each in score.items()
                )
                print(f"{row['label']:<12} {said}  {row['seconds']:.0f} s  {row['description']}", flush=True)
            replies = [each.text for each in found.predict(asked)]
            for one, other in zip(asked, replies, strict=True):
                print(f"    {one}\n      -> {other}")
            row = {
                "set": f"dailydialog-{args.language}", "backbone": Path(args.backbone).name, "strategy": strategy,
                "minutes": None if args.epochs else args.minutes, "epochs": args.epochs, "dialogues": args.dialogues,
                "seed": args.seed, "busy": args.busy, "seconds": round(time.perf_counter() - started, 1),
                "replies": [list(pair) for pair in zip(asked, replies, strict=True)],
            }  # fmt: skip
            row |= {key: found.evidence[key] for key in ("leaderboard", "comparisons", "machine", "versions")}
            if not args.quick:
                keep(
                    "dialogue.jsonl",
                    json.loads(json.dumps(row)),
                    ("set", "backbone", "strategy", "minutes", "epochs", "dialogues", "seed"),
                )


if __name__ == "__main__":
    main()
