"""Three doors, one corridor: flags, recipe keys and keyword arguments are one list of names."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from headstart.backbones.location import BackboneSource
from headstart.cli.main import main
from headstart.corpora.source import TextSource
from headstart.objectives import OBJECTIVES
from headstart.recipes.flags import HIDDEN, flat, sections
from headstart.recipes.languages import VectorTraining
from headstart.recipes.parsing import assemble, read
from headstart.recipes.ranking import SUITED
from headstart.recipes.raw_text import Network, RawTextData, Transplant
from headstart.recipes.sources import Data, Format
from headstart.recipes.verbs import VERBS
from headstart.runs.inference import WRITING
from headstart.strategies import STRATEGIES
from headstart.tasks import TASKS
from headstart.training.settings import TextTraining, Training

# A value other than the default for every name: the words of the flag, and the value in Python and YAML.
SHARED: dict[str, tuple[list[str], Any]] = {
    "format": (["--format", "jsonl"], "jsonl"),
    "encoding": (["--encoding", "cp1252"], "cp1252"),
    "delimiter": (["--delimiter", ";"], ";"),
    "header": (["--no-header"], False),
    "threads": (["--threads", "3"], 3),
    "precision": (["--precision", "float32"], "float32"),
    "device": (["--device", "cpu"], "cpu"),
    "abstain": (["--abstain", "0.8"], 0.8),
    "prediction_sets": (["--prediction-sets", "0.95"], 0.95),
    "output": (["--output", "there"], "there"),
    "overwrite": (["--overwrite"], True),
    "text": (["--text", "title,body"], ["title", "body"]),
    "label": (["--label", "mood"], "mood"),
}
EXPERIMENT: dict[str, tuple[list[str], Any]] = SHARED | {
    "train": ([], "data.csv"),
    "test": (["--test", "t.csv"], "t.csv"),
    "validation": (["--validation", "v.csv"], "v.csv"),
    "target": (["--target", "u.csv"], "u.csv"),
    "target_test": (["--target-test", "l.csv"], "l.csv"),
    "tests": (["--tests", "shop=a.csv,film=b.csv"], {"shop": "a.csv", "film": "b.csv"}),
    "auxiliary": (["--auxiliary", "b.csv"], [{"file": "b.csv"}]),
    "average": (["--average", "wise"], "wise"),
    "members": (["--members", "5"], 5),
    "member_seeds": (["--member-seeds", "3,4"], [3, 4]),
    "member_runs": (["--member-runs", "runs/a,runs/b"], ["runs/a", "runs/b"]),
    "greedy": (["--greedy"], True),
    "end_share": (["--end-share", "0.5"], 0.5),
    "stone": (["--stone", "b"], "b"),
    "stone_epochs": (["--stone-epochs", "2"], 2),
    "stone_rows": (["--stone-rows", "200"], 200),
    "probe_rows": (["--probe-rows", "100"], 100),
    "translations": (["--translations", "t.csv"], "t.csv"),
    "counterfactuals": (["--counterfactuals", "terms.yaml"], "terms.yaml"),
    "typo_copies": (["--typo-copies", "de"], "de"),
    "typo_rate": (["--typo-rate", "0.1"], 0.1),
    "copies": (["--copies", "3"], 3),
    "balance_groups": (["--balance-groups", "region"], "region"),
    "mask_terms": (["--mask-terms", "{belief: [christian, muslim]}"], {"belief": ["christian", "muslim"]}),
    "mask_word": (["--mask-word", "somebody"], "somebody"),
    "corpus": (["--corpus", "pages"], "pages"),
    "group_column": (["--group-column", "who"], "who"),
    "out_of_scope_label": (["--out-of-scope-label", "oos"], "oos"),
    "time_column": (["--time-column", "when"], "when"),
    "test_share": (["--test-share", "0.3"], 0.3),
    "validation_share": (["--validation-share", "0.25"], 0.25),
    "folds": (["--folds", "3"], 3),
    "most_rows": (["--most-rows", "500"], 500),
    "most_test_rows": (["--most-test-rows", "500"], 500),
    "train_rows": (["--train-rows", "32"], 32),
    "draw": (["--draw", "3"], 3),
    "test_seed": (["--test-seed", "7"], 7),
    "budget": (["--budget", "1m30s"], 90.0),
    "dry_run": (["--dry-run"], True),
    "out_of_scope": (["--out-of-scope"], True),
    "task": (["--task", "text-pair-classification"], "text-pair-classification"),
    "weight": (["--weight", "w"], "w"),
    "metric": (["--metric", "mcc"], "mcc"),
    "separator": (["--separator", ";"], ";"),
    "encoder": (["--encoder", "cross"], "cross"),
    "scheme": (["--scheme", "bioes"], "bioes"),
    "variance": (["--variance", "3"], 3.0),
    "passes": (["--passes", "4"], 4),
    "sample": (["--sample", "500"], 500),
    "compare_after": (["--compare-after", "1"], 1),
    "class_weight": (["--class-weight", "{up: 2, down: 1}"], {"up": 2.0, "down": 1.0}),
    "merge_labels": (["--merge-labels"], True),
    "drop_rare_labels": (["--drop-rare-labels"], True),
    "crf": (["--crf"], True),
    "long": (["--long", "window"], "window"),
    "answer_start": (["--answer-start", "begin"], "begin"),
    "no_answer": (["--no-answer", "never"], "never"),
    "max_answer": (["--max-answer", "12"], 12),
    "best": (["--best", "3"], 3),
    "normalise": (["--normalise", "mlqa"], "mlqa"),
    "answer_language": (["--answer-language", "de"], "de"),
    "backbone": (["--backbone", "org/model"], "org/model"),
    "revision": (["--revision", "abc"], "abc"),
    "max_length": (["--max-length", "64"], 64),
    "epochs": (["--epochs", "5"], 5),
    "learning_rate": (["--learning-rate", "2e-5"], 2e-5),
    "batch_size": (["--batch-size", "8"], 8),
    "warmup": (["--warmup", "0.2"], 0.2),
    "weight_decay": (["--weight-decay", "0.1"], 0.1),
    "max_grad_norm": (["--max-grad-norm", "2"], 2.0),
    "patience": (["--patience", "4"], 4),
    "stop_after": (["--stop-after", "2"], 2),
    "checkpoint_every": (["--checkpoint-every", "2m"], 120.0),
    "measure": (["--measure", "slices,confusion"], ["slices", "confusion"]),
    "strategies": (["--strategies", "tf-idf,fine-tuning"], ["tf-idf", "fine-tuning"]),
    "controls": (["--no-controls"], False),
    "refit": (["--no-refit"], False),
    "cache": (["--no-cache"], False),
    "rows": (["--no-rows"], False),
    "seed": (["--seed", "7"], 7),
    "fine-tuning.layers": (["--fine-tuning.layers", "1"], 1),
    "feature-extraction.layers": (["--feature-extraction.layers", "1,2"], [1, 2]),
    "coral.layers": (["--coral.layers", "1"], [1]),
    "multi-task.layers": (["--multi-task.layers", "1"], 1),
    "sampling_power": (["--sampling-power", "0.25"], 0.25),
    "most_passes": (["--most-passes", "9"], 9.0),
    "weighting": (["--weighting", "uncertainty"], "uncertainty"),
    "loss_weights": (["--loss-weights", "{rte: 2}"], {"rte": 2.0}),
    "conflicts": (["--conflicts", "project"], "project"),
    "focus": (["--focus", "rte"], "rte"),
    "single_runs": (["--no-single-runs"], False),
    "pooling": (["--pooling", "mean"], "mean"),
    "C": (["--C", "0.5"], 0.5),
    "head": (["--head", "native"], "native"),
    "head_first": (["--no-head-first"], False),
    "layer_decay": (["--layer-decay", "0.8"], 0.8),
    "unfreezing": (["--unfreezing", "gradual"], "gradual"),
    "embeddings": (["--embeddings"], True),
    "dropout": (["--dropout", "0.2"], 0.2),
    "hidden_dropout": (["--hidden-dropout", "0.0"], 0.0),
    "rates": (["--rates", "1e-3,2e-3"], [1e-3, 2e-3]),
    "loss": (["--loss", "pairs"], "pairs"),
    "temperature": (["--temperature", "0.2"], 0.2),
    "updates": (["--updates", "9"], 9),
    "top_layers": (["--top-layers", "1"], 1),
    "label_names": (["--label-names"], True),
    "rank": (["--rank", "4"], 4),
    "alpha": (["--alpha", "8"], 8.0),
    "targets": (["--targets", "query,value"], ["query", "value"]),
    "adapter_dropout": (["--adapter-dropout", "0.1"], 0.1),
    "then": (["--then", "fine-tuning"], "fine-tuning"),
    "distillation.teacher": (["--distillation.teacher", "runs/a,runs/b"], ["runs/a", "runs/b"]),
    "student": (["--student", "lora"], "lora"),
    "student_layers": (["--student-layers", "0,3"], [0, 3]),
    "student_start": (["--student-start", "backbone"], "backbone"),
    "distillation_temperature": (["--distillation-temperature", "4"], 4.0),
    "mix": (["--mix", "0.25"], 0.25),
    "ask": (["--ask", "500"], 500),
    "ask_by": (["--ask-by", "diversity"], "diversity"),
    "teacher_gate": (["--no-teacher-gate"], False),
    "texts": (["--texts", "a.txt,b.txt"], ["a.txt", "b.txt"]),
    "own_texts": (["--no-own-texts"], False),
    "objective": (["--objective", "simcse"], "simcse"),
    "gate": (["--no-gate"], False),
    "gate_folds": (["--gate-folds", "4"], 4),
    "gate_seeds": (["--gate-seeds", "3"], 3),
    "text_updates": (["--text-updates", "9"], 9),
    "text_learning_rate": (["--text-learning-rate", "1e-5"], 1e-5),
    "text_batch": (["--text-batch", "512"], 512),
    "text_l2_sp": (["--text-l2-sp", "0.1"], 0.1),
    "rounds": (["--rounds", "3"], 3),
    "confidence": (["--confidence", "0.7"], 0.7),
    "pseudo_weight": (["--pseudo-weight", "0.25"], 0.25),
    "regularisation": (["--regularisation", "0.1"], 0.1),
    "match_means": (["--match-means"], True),
    "turns": (["--turns", "3"], 3),
    "reply_role": (["--reply-role", "assistant"], "assistant"),
    "passage_id": (["--passage-id", "pid"], "pid"),
    "grade": (["--grade", "how_well"], "how_well"),
    "scale": (["--scale", "30"], 30.0),
    "symmetric": (["--symmetric"], True),
    "negatives": (["--negatives", "bm25"], "bm25"),
    "vector_tokens": (["--vector-tokens", "32"], 32),
    "per_question": (["--per-question", "3"], 3),
    "reference": (["--reference", "one,two"], ["one", "two"]),
    "source_language": (["--source-language", "en"], "en"),
    "target_language": (["--target-language", "de"], "de"),
    "beams": (["--beams", "2"], 2),
    "length_penalty": (["--length-penalty", "0.5"], 0.5),
    "template": (["--template", "chatml"], "chatml"),
    "max_new_tokens": (["--max-new-tokens", "30"], 30),
    "sampling_temperature": (["--sampling-temperature", "0.7"], 0.7),
    "top_k": (["--top-k", "40"], 40),
    "top_p": (["--top-p", "0.9"], 0.9),
    "sampling_seed": (["--sampling-seed", "5"], 5),
    "no_repeat_ngram": (["--no-repeat-ngram", "3"], 3),
    "longest": (["--longest", "3"], 3.0),
    "alignment_iterations": (["--alignment-iterations", "3"], 3),
    "decoder": (["--decoder", "org/gpt"], "org/gpt"),
    "shots": (["--shots", "4"], 4),
    "shot_selection": (["--shot-selection", "nearest"], "nearest"),
    "prompt_template": (["--prompt-template", "{text}: {labels}?"], "{text}: {labels}?"),
    "instruction": (["--instruction", "Read."], "Read."),
    "verbalizer": (["--verbalizer", "{a: good}"], {"a": "good"}),
    "teacher_model": (["--teacher-model", "tiny"], "tiny"),
    "key_file": (["--key-file", "key.txt"], "key.txt"),
    "key_env": (["--key-env", "EXAMPLE_KEY"], "EXAMPLE_KEY"),
    "allow_remote": (["--allow-remote"], True),
    "max_requests": (["--max-requests", "2000"], 2000),
    "max_total_tokens": (["--max-total-tokens", "90000"], 90000),
    "max_cost": (["--max-cost", "1.5"], 1.5),
    "price_in": (["--price-in", "0.2"], 0.2),
    "price_out": (["--price-out", "0.8"], 0.8),
    "request_rate": (["--request-rate", "60"], 60.0),
    "concurrency": (["--concurrency", "4"], 4),
    "request_timeout": (["--request-timeout", "20s"], 20.0),
    "answer_deadline": (["--answer-deadline", "2m"], 120.0),
    "teacher_template": (["--teacher-template", "{text}: {labels}?"], "{text}: {labels}?"),
    "teacher_instruction": (["--teacher-instruction", "Read."], "Read."),
    "teacher_words": (["--teacher-words", "{a: good}"], {"a": "good"}),
    "labels": (["--labels", "up,down"], ["up", "down"]),
    "descriptions": (["--descriptions", "{a: a happy customer}"], {"a": "a happy customer"}),
    "describe": (["--describe", "labels.csv"], "labels.csv"),
    "clusters": (["--no-clusters"], False),
    "entailment": (["--entailment", "runs/pairs"], "runs/pairs"),
    "entailment_label": (["--entailment-label", "yes"], "yes"),
    "hypothesis_template": (["--hypothesis-template", "It is {label}."], "It is {label}."),
    "expected_labels": (["--expected-labels", "2"], 2.0),
    "embedding_backbone": (["--embedding-backbone", "org/encoder"], "org/encoder"),
    "calibration": (["--calibration", "batch"], "batch"),
    "length_normalised": (["--length-normalised"], True),
    "decoder_layers": (["--decoder-layers", "2"], 2),
    "target_vocabulary": (["--target-vocabulary", "4000"], 4000),
    "like": (["--like", "warm-start"], "warm-start"),
    "encoder_rate": (["--encoder-rate", "0.5"], 0.5),
    "label_smoothing": (["--label-smoothing", "0.2"], 0.2),
    "word_dropout": (["--word-dropout", "0.2"], 0.2),
    "back_epochs": (["--back-epochs", "2"], 2),
    "back_temperature": (["--back-temperature", "0.9"], 0.9),
    "back_top_k": (["--back-top-k", "10"], 10),
    "tag": (["--tag", "<made>"], "<made>"),
    "prefix": (["--prefix", "summarize: "], "summarize: "),
    "retriever": (["--retriever", "bm25"], "bm25"),
    "depth": (["--depth", "10"], 10),
    "hard_negatives": (["--hard-negatives", "5"], 5),
    "interaction": (["--interaction", "cross"], "cross"),
    "rerank_weight": (["--rerank-weight", "0.5"], 0.5),
    "rerank_epochs": (["--rerank-epochs", "4"], 4),
    "rerank_learning_rate": (["--rerank-learning-rate", "1e-5"], 1e-5),
    "rerank_stop_after": (["--rerank-stop-after", "1"], 1),
    "margin-mse.teacher": (["--margin-mse.teacher", "hybrid"], "hybrid"),
    "candidates": (["--candidates", "5"], 5),
    "teacher_scale": (["--teacher-scale", "10"], 10.0),
    "student_epochs": (["--student-epochs", "4"], 4),
    "student_learning_rate": (["--student-learning-rate", "1e-5"], 1e-5),
    "student_stop_after": (["--student-stop-after", "1"], 1),
    "margin": (["--margin", "0.1"], 0.1),
    "widths": (["--widths", "192,96"], [192, 96]),
    "width": (["--width", "96"], 96),
    "of": (["--of", "untouched"], "untouched"),
    "chat": (["--chat"], True),
    "dense_weight": (["--dense-weight", "0.6"], 0.6),
    "int8": (["--int8"], True),
    "stemmer": (["--stemmer", "german"], "german"),
    "k1": (["--k1", "1.2"], 1.2),
    "b": (["--b", "0.5"], 0.5),
}
RAW: dict[str, tuple[list[str], Any]] = {
    name: EXPERIMENT[name]
    for name in (
        "budget", "seed", "threads", "precision", "device", "output", "overwrite", "encoding", "updates", "learning_rate", "warmup",
        "weight_decay", "max_grad_norm", "checkpoint_every", "temperature",
    )
} | {
    "texts": ([], ["data.csv"]),
    "objective": (["--objective", "causal-lm"], "causal-lm"),
    "documents": (["--documents", "line"], "line"),
    "column": (["--column", "body"], "body"),
    "near_duplicates": (["--near-duplicates", "0.8"], 0.8),
    "held_out": (["--held-out", "v.txt,w.txt"], ["v.txt", "w.txt"]),
    "exclude": (["--exclude", "t.csv"], ["t.csv"]),
    "epochs": (["--epochs", "2.5"], 2.5),
    "batch_tokens": (["--batch-tokens", "512"], 512),
    "block_length": (["--block-length", "64"], 64),
    "rounds": (["--rounds", "3"], 3),
    "measured_tokens": (["--measured-tokens", "900"], 900),
    "optimizer": (["--optimizer", "muon"], "muon"),
    "l2_sp": (["--l2-sp", "0.1"], 0.1),
    "pooling": (["--pooling", "first"], "first"),
    "share": (["--share", "0.3"], 0.3),
    "whole_words": (["--whole-words"], True),
    "span_words": (["--span-words", "6"], 6),
}  # fmt: skip
GROUPING: dict[str, tuple[list[str], Any]] = {
    **{name: SHARED[name] for name in SHARED if name not in ("label", "abstain", "prediction_sets")},
    **{name: EXPERIMENT[name] for name in ("backbone", "revision", "max_length", "cache", "seed")},
    "input": ([], "data.csv"),
}
SAMPLES: dict[str, dict[str, tuple[list[str], Any]]] = {
    "pretrain": RAW
    | {
        "architecture": (["--architecture", "roberta"], "roberta"),
        "size": (["--size", "tiny"], "tiny"),
        "network_layers": (["--network-layers", "3"], 3),
        "hidden_size": (["--hidden-size", "64"], 64),
        "attention_heads": (["--attention-heads", "4"], 4),
        "tokenizer": (["--tokenizer", "bpe"], "bpe"),
        "vocabulary_size": (["--vocabulary-size", "500"], 500),
        "lowercase": (["--lowercase"], True),
    },
    "adapt": RAW
    | {
        "backbone": (["--backbone", "org/model"], "org/model"),
        "revision": (["--revision", "abc"], "abc"),
        "max_length": (["--max-length", "64"], 64),
        "general": (["--general", "g.txt"], ["g.txt"]),
        "replay": (["--replay", "0.2"], 0.2),
        "top_layers": (["--top-layers", "1"], 1),
        "lora_rank": (["--lora-rank", "4"], 4),
        "vocabulary": (["--vocabulary", "transplant"], "transplant"),
        "vocabulary_size": (["--vocabulary-size", "500"], 500),
        "word_vectors": (["--word-vectors", "mean"], "mean"),
        "parallel": (["--parallel", "a.txt,b.txt"], ["a.txt", "b.txt"]),
    },
    "distill-vectors": {
        name: RAW[name]
        for name in (
            "budget",
            "seed",
            "threads",
            "precision",
            "device",
            "output",
            "overwrite",
            "encoding",
            "updates",
            "learning_rate",
            "warmup",
            "weight_decay",
            "max_grad_norm",
            "checkpoint_every",
            "held_out",
            "epochs",
            "batch_tokens",
            "block_length",
            "rounds",
            "measured_tokens",
            "optimizer",
            "l2_sp",
        )
    }
    | {
        name: EXPERIMENT[name]
        for name in ("backbone", "revision", "max_length", "patience", "cache", "source_language", "target_language")
    }
    | {
        "source": ([], "data.csv"),
        "target": (["b.txt"], "b.txt"),
        "columns": (["--columns", "en,de"], ["en", "de"]),
        "teacher": (["--teacher", "org/model"], "org/model"),
        "vocabulary": (["--vocabulary", "trimmed"], "trimmed"),
        "vocabulary_size": (["--vocabulary-size", "500"], 500),
        "word_vectors": (["--word-vectors", "mean"], "mean"),
    },
    "fit": EXPERIMENT,
    "compare": EXPERIMENT
    | {
        "seeds": (["--seeds", "0,1"], [0, 1]),
        "backbones": (["--backbones", "mini,multi"], ["mini", "multi"]),
        "workers": (["--workers", "2"], 2),
        "halving": (["--halving"], True),
    },
    "tune": EXPERIMENT
    | {
        "trials": (["--trials", "5"], 5),
        "space": (["--space", "{training.epochs: {low: 2, high: 6}}"], {"training.epochs": {"low": 2, "high": 6}}),
        "prune": (["--no-prune"], False),
    },
    "curve": EXPERIMENT
    | {
        "sizes": (["--sizes", "32,8"], [8, 32]),
        "draws": (["--draws", "3"], 3),
        "workers": (["--workers", "2"], 2),
    },
    "distill": {name: EXPERIMENT[name] for name in flat("distill") if name in EXPERIMENT}
    | {
        "teacher": ([], ["run"]),
        "texts": ([], "data.csv"),
        "strategies": (["--strategies", "distillation"], ["distillation"]),
    },
    "init": {name: EXPERIMENT[name] for name in flat("init")},
    "resume": {"run": ([], "run"), "strict": (["--strict"], True)},
    "predict": {name: SHARED[name] for name in SHARED if name != "label"}
    | {name: EXPERIMENT[name] for name in ("best", "max_answer", *WRITING)}
    | {"runtime": (["--runtime", "torch"], "torch"), "stream": (["--stream"], True)}
    | {"why": (["--why"], True), "why_by": (["--why-by", "integrated-gradients"], "integrated-gradients")}
    | {"task": (["--task", "rte"], "rte"), "several": (["--several"], True), "spans": (["--spans"], True)}
    | {name: EXPERIMENT[name] for name in ("corpus", "labels", "backbone", "revision", "max_length")}
    | {"model": ([], "run"), "texts": (["good"], ["good"]), "input": (["--input", "new.csv"], "new.csv")},
    "chat": {name: SHARED[name] for name in ("threads", "device", "precision")}
    | {name: EXPERIMENT[name] for name in WRITING}
    | {
        "model": ([], "run"),
        "messages": (["hello", "and you?"], ["hello", "and you?"]),
        "system": (["--system", "Be kind."], "Be kind."),
        "history": (["--history", "old.jsonl"], "old.jsonl"),
        "save": (["--save", "new.jsonl"], "new.jsonl"),
    },
    "import": {
        "file": ([], "net.gguf"),
        "output": (["--output", "models/net"], "models/net"),
        "overwrite": (["--overwrite"], True),
    },
    "trim": {
        name: RAW[name]
        for name in ("encoding", "documents", "column", "near_duplicates", "held_out", "output", "overwrite")
    }
    | {
        "backbone": (["org/model"], "org/model"),
        "revision": (["--revision", "abc"], "abc"),
        "max_length": (["--max-length", "64"], 64),
        "texts": ([], ["data.csv"]),
        "least_count": (["--least-count", "3"], 3),
        "most_pieces": (["--most-pieces", "9000"], 9000),
    },
    "duplicates": GROUPING
    | {
        "threshold": (["--threshold", "0.8"], 0.8),
        "pairs": (["--pairs", "p.csv"], "p.csv"),
        "positive": (["--positive", "same"], "same"),
        "least_precision": (["--least-precision", "0.9"], 0.9),
        "near_duplicates": (["--near-duplicates", "0.7"], 0.7),
    },
    "cluster": GROUPING | {"k": (["-k", "20"], 20), "label": SHARED["label"]},
    "rank": {name: EXPERIMENT[name] for name in flat("rank") if name in EXPERIMENT}
    | {
        "backbones": (["--backbones", "org/model,mini"], ["org/model", "mini"]),
        "by": (["--by", "probe"], "probe"),
        "states": (["--states", "mean"], "mean"),
    },
    "check": {name: EXPERIMENT[name] for name in flat("check") if name in EXPERIMENT}
    | {
        "near_duplicates": (["--near-duplicates", "0.7"], 0.7),
        "noise": (["--no-noise"], False),
        "self_test": (["--no-self-test"], False),
        "label_folds": (["--label-folds", "3"], 3),
        "most_doubtful": (["--most-doubtful", "50"], 50),
        "strict": (["--strict"], True),
        "fix": (["--fix", "cleaned.csv"], "cleaned.csv"),
        "drop_doubtful": (["--drop-doubtful", "0.9"], 0.9),
    },
    "audit": {name: SHARED[name] for name in flat("audit") if name in SHARED}
    | {
        "model": ([], "run"),
        "test": ([], "data.csv"),
        "task": (["--task", "rte"], "rte"),
        "corpus": EXPERIMENT["corpus"],
        "runtime": (["--runtime", "torch"], "torch"),
        "group_column": EXPERIMENT["group_column"],
        "by": (["--by", "region,age"], ["region", "age"]),
        "swap": (["--swap", "identity.yaml"], "identity.yaml"),
        "typos": (["--typos", "de"], "de"),
        "typo_rates": (["--typo-rates", "0.2,0.5"], [0.2, 0.5]),
        "forms": (["--forms", "lower-case"], ["lower-case"]),
        "contrast": (["--contrast", "pairs.csv"], "pairs.csv"),
        "sentence_pairs": (["--sentence-pairs", "crows.csv"], "crows.csv"),
        "templates": (["--templates", "tests.yaml"], "tests.yaml"),
        "tests": EXPERIMENT["tests"],
        "baseline": (["--baseline", "runs/tf-idf"], "runs/tf-idf"),
        "positive_label": (["--positive-label", "toxic"], "toxic"),
        "least_rows": (["--least-rows", "30"], 30),
        "most_rows": (["--most-rows", "500"], 500),
        "most_copies": (["--most-copies", "5"], 5),
        "seed": (["--seed", "3"], 3),
    },
    "suggest": GROUPING
    | {
        "model": (["--model", "run"], "run"),
        "best": (["--best", "20"], 20),
        "by": (["--by", "entropy"], "entropy"),
        "candidates": (["--candidates", "5"], 5),
        "labelled": (["--labelled", "old.csv"], "old.csv"),
        "curve": (["--curve", "runs/curve"], "runs/curve"),
        "label": SHARED["label"],
    },
    "extract": {
        "model": ([], "run"),
        "task": (["--task", "rte"], "rte"),
        "output": (["-o", "one"], "one"),
        "overwrite": (["--overwrite"], True),
    },
    "evaluate": {name: SHARED[name] for name in SHARED if name not in ("output", "overwrite")}
    | {"task": (["--task", "rte"], "rte")}
    | {"corpus": EXPERIMENT["corpus"], "runtime": (["--runtime", "torch"], "torch")}
    | {"group_column": EXPERIMENT["group_column"]}
    | {
        "reader": (["--reader", "there"], "there"),
        "passages": (["--passages", "7"], 7),
        "passage_weight": (["--passage-weight", "0.5"], 0.5),
    }
    | {"model": ([], "run"), "test": ([], "data.csv"), "by": (["--by", "channel,shop"], ["channel", "shop"])},
    "index": {name: SHARED[name] for name in ("encoding", "threads", "precision", "device", "output", "overwrite")}
    | {
        "sources": ([], ["data.csv"]),
        "add": (["--add", "a.txt,b.md"], ["a.txt", "b.md"]),
        "remove": (["--remove", "a.txt,7"], ["a.txt", "7"]),
        "retriever": (["--retriever", "bm25"], "bm25"),
        "fusion": (["--fusion", "ranks"], "ranks"),
        "dense_weight": (["--dense-weight", "0.8"], 0.8),
        "backbone": (["--backbone", "org/model"], "org/model"),
        "revision": (["--revision", "abc"], "abc"),
        "max_length": (["--max-length", "64"], 64),
        "query_prompt": (["--query-prompt", "query: "], "query: "),
        "passage_prompt": (["--passage-prompt", "passage: "], "passage: "),
        "passage_tokens": (["--passage-tokens", "100"], 100),
        "passage_overlap": (["--passage-overlap", "20"], 20),
        "language": (["--language", "german"], "german"),
        "k1": (["--k1", "1.2"], 1.2),
        "b": (["--b", "0.5"], 0.5),
        "text": (["--text", "body"], "body"),
        "id": (["--id", "key"], "key"),
        "title": (["--title", "heading"], "heading"),
    },
    "export": {
        name: SHARED[name] for name in ("format", "encoding", "delimiter", "header", "threads", "output", "overwrite")
    }
    | {
        "model": ([], "run"),
        "to": (["--to", "ctranslate2"], "ctranslate2"),
        "int8": (["--int8"], True),
        "quantization": (["--quantization", "bfloat16"], "bfloat16"),
        "data": (["--data", "t.csv"], "t.csv"),
    },
    "search": {
        name: SHARED[name] for name in ("format", "encoding", "delimiter", "header", "threads", "output", "overwrite")
    }
    | {
        "index": ([], "run"),
        "query": (["notice"], ["notice"]),
        "input": (["--input", "q.csv"], "q.csv"),
        "text": (["--text", "question"], "question"),
        "best": (["--best", "3"], 3),
        "backbone": (["--backbone", "there"], "there"),
    },
    "ask": {name: SHARED[name] for name in ("format", "encoding", "delimiter", "header", "threads", "abstain")}
    | {
        "index": ([], "run"),
        "query": (["notice"], ["notice"]),
        "reader": (["--reader", "there"], "there"),
        "input": (["--input", "q.csv"], "q.csv"),
        "text": (["--text", "question"], "question"),
        "best": (["--best", "3"], 3),
        "passages": (["--passages", "7"], 7),
        "passage_weight": (["--passage-weight", "0.5"], 0.5),
        "max_answer": (["--max-answer", "12"], 12),
        "backbone": (["--backbone", "there"], "there"),
    },
}
REQUIRED = {"fit": {"train": "data.csv"}, "compare": {"train": "data.csv"}, "tune": {"train": "data.csv"}, "curve": {"train": "data.csv"}, "predict": {"model": "run"},
            "pretrain": {"texts": "data.csv"}, "adapt": {"texts": "data.csv"},
            "duplicates": {"input": "data.csv"}, "cluster": {"input": "data.csv"}, "suggest": {"input": "data.csv"},
            "rank": {"train": "data.csv"}, "check": {"train": "data.csv"},
            "trim": {"texts": "data.csv"}, "import": {"file": "net.gguf"}, "distill-vectors": {"source": "data.csv"}, "chat": {"model": "run"},
            "distill": {"teacher": "run", "texts": "data.csv"}, "resume": {"run": "run"}, "init": {"train": "data.csv"},
            "evaluate": {"model": "run", "test": "data.csv"}, "audit": {"model": "run", "test": "data.csv"}, "index": {"sources": "data.csv"}, "search": {"index": "run"},
            "export": {"model": "run"}, "extract": {"model": "run", "task": "rte"}, "ask": {"index": "run"}}  # fmt: skip
TASK_OF = {
    "separator": "multi-label-classification",
    "encoder": "sentence-similarity",
    "scheme": "token-classification",
    "crf": "token-classification",
    **dict.fromkeys(
        ("answer_start", "no_answer", "max_answer", "best", "normalise", "answer_language"), "question-answering"
    ),
    "template": "dialogue",
    **dict.fromkeys(("turns", "reply_role"), "response-selection"),
    "passage_id": "retrieval",
    "grade": "retrieval",
    **dict.fromkeys(
        (
            "reference",
            "beams",
            "length_penalty",
            "longest",
            "max_new_tokens",
            "sampling_temperature",
            "top_k",
            "top_p",
            "sampling_seed",
            "no_repeat_ngram",
        ),
        "text-to-text",
    ),
    **dict.fromkeys(("source_language", "target_language"), "translation"),
}
"""Which task has a field that the default one has not."""
SOLE = {("export", "to"), ("distill", "strategies"), ("distill", "texts")}
"""Keys that have one value so far."""
LIKE = {"curve": "compare"}
"""Verbs whose options are those of another one, field for field; all but their own are tried in the slow tests."""
CASES = [
    pytest.param(
        verb, name, marks=[pytest.mark.slow] if verb in LIKE and name in flat(LIKE[verb]) else [], id=f"{verb}-{name}"
    )
    for verb in VERBS.names()
    for name in flat(verb)
]


def required(verb: str) -> list[str]:
    """What has to be given, as words of a command: without a flag where it has a place."""
    at = VERBS.get(verb).positional
    return [word for key, value in REQUIRED[verb].items() for word in ([value] if key in at else [f"--{key}", value])]


@pytest.fixture
def from_flags(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The recipe that a command line builds, not run."""

    def build(*words: str) -> Any:
        built: list[Any] = []
        monkeypatch.setattr("headstart.cli.main._carry_out", lambda recipe, *_: built.append(recipe))
        monkeypatch.setattr(sys, "argv", ["headstart", *words])
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        with pytest.raises(SystemExit, match=r"^0$"):
            main()
        assert len(built) == 1
        return built[0]

    return build


def owners(name: str) -> list[str]:
    owner, _, key = name.rpartition(".")
    return [each for each in STRATEGIES.names() if each in (owner or each) and key in STRATEGIES.get(each).model_fields]


def objective_of(name: str) -> str:
    return next(each for each in OBJECTIVES.names() if name in OBJECTIVES.get(each).model_fields)


def nested(verb: str, options: dict[str, Any]) -> dict[str, Any]:
    """The recipe file that says the same as flat names, written by hand from the paths."""
    values: dict[str, Any] = {"verb": verb}
    for name, value in options.items():
        path = flat(verb)[name].path
        if path[0] == "strategies" and len(path) > 1:
            values["strategies"] = [{"name": owner, path[1]: value} for owner in owners(name)]
            continue
        if path[0] == "objective" and len(path) > 1:
            values["objective"] = {"name": objective_of(name), name: value}
            continue
        here = values
        for part in path[:-1]:
            here = here.setdefault(part, {"name": TASK_OF[name]} if part == "task" and name in TASK_OF else {})
        here[path[-1]] = value
    return values


@pytest.mark.parametrize(("verb", "name"), CASES)
def test_a_flag_a_recipe_key_and_a_keyword_argument_build_the_same_recipe(
    verb: str, name: str, from_flags: Callable[..., Any], tmp_path: Path
) -> None:
    words, value = SAMPLES[verb][name]
    options = REQUIRED[verb] | {name: value}
    start = REQUIRED[verb]
    if flat(verb)[name].path[0] == "strategies" and name != "strategies":
        words = [*words, "--strategies", ",".join(owners(name))]
        options |= {"strategies": ",".join(owners(name))}
        start = start | {"strategies": options["strategies"]}
    if flat(verb)[name].path[0] == "objective" and name != "objective":
        words = [*words, "--objective", objective_of(name)]
        options |= {"objective": objective_of(name)}
        start = start | {"objective": options["objective"]}
    if name in TASK_OF and "task" in flat(verb) and verb not in ("predict", "evaluate"):
        words = [*words, "--task", TASK_OF[name]]
        options |= {"task": TASK_OF[name]}
        start = start | {"task": TASK_OF[name]}
    by_flags = from_flags(verb, *required(verb), *words)
    by_keywords = assemble(verb, {key: tuple(v) if isinstance(v, list) else v for key, v in options.items()})
    path = tmp_path / "recipe.yaml"
    listed = {key: v for key, v in options.items() if key == name or key in REQUIRED[verb]}
    path.write_text(yaml.safe_dump(nested(verb, listed)), encoding="utf-8")
    assert by_flags == by_keywords == read(path)
    assert type(by_flags) is VERBS.get(verb)
    if name not in REQUIRED[verb] and (verb, name) not in SOLE:
        assert by_flags != assemble(verb, start), "the value did not arrive"


def test_every_flat_name_has_a_sample() -> None:
    for verb in VERBS.names():
        assert set(SAMPLES[verb]) == set(flat(verb)), verb


@pytest.mark.parametrize("verb", VERBS.names())
def test_the_flags_in_the_help_are_the_flat_names_of_the_recipe(
    verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["headstart", verb, "--help-all"])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit, match=r"^0$"):
        main()
    shown = capsys.readouterr().out
    lines = [line[2:] for line in shown.split("\n") if re.match(r"  -", line)]
    flags = {
        flag.replace("[no-]", "") for line in lines for flag in re.findall(r"--[][A-Za-z0-9.-]+", line.split("  ")[0])
    }
    presentation = {"--json", "--quiet", "--set", "--help", "--help-all"}
    strategy = {"--strategy"} if verb in ("fit", "tune") else set()
    names = {"--" + name.replace("_", "-") for name in flat(verb) if name not in VERBS.get(verb).positional}
    names -= {"--messages"} if verb == "chat" else set()
    names -= {"--texts"} if verb == "predict" else {"--query"} if verb in ("search", "ask") else set()
    assert flags == names | presentation | strategy
    for name in [name for name in REQUIRED[verb] if name in VERBS.get(verb).positional]:
        assert re.search(rf"^  \[?{name.upper().removesuffix('S')}", shown, re.MULTILINE), name


def fields(cls: type[BaseModel]) -> list[tuple[str, Any]]:
    return [(f"{cls.__name__}.{key}", info) for key, info in cls.model_fields.items()]


def test_every_recipe_field_is_described_in_a_sentence() -> None:
    classes: list[type[BaseModel]] = [Data, Format, Training, BackboneSource]
    classes += [VERBS.get(verb) for verb in VERBS.names()]
    classes += [registry.get(name) for registry in (STRATEGIES, TASKS) for name in registry.names()]
    for cls in classes:
        assert cls.__doc__
        for name, info in fields(cls):
            assert info.description, name
            assert info.description.strip().endswith((".", "`", ")")), name


@pytest.mark.parametrize("verb", VERBS.names())
def test_every_key_of_a_recipe_has_a_flat_name_of_its_own(verb: str) -> None:
    reached: dict[tuple[str, ...], list[str]] = {}
    for name, flag in flat(verb).items():
        for owner in flag.owners or ("",):
            reached.setdefault((owner, *flag.path), []).append(name)
    assert all(len(names) == 1 for names in reached.values())
    own, raw = sections(VERBS.get(verb)), verb in ("pretrain", "adapt")
    wanted = {("", key) for key in VERBS.get(verb).model_fields if key not in own and key not in HIDDEN}
    known: dict[str, type[BaseModel]] = {"data": TextSource if verb == "trim" else RawTextData if raw else Data, "backbone": BackboneSource,
                                         "network": Network, "transplant": Transplant,
                                         "training": TextTraining if raw else Training}  # fmt: skip
    known |= {"training": VectorTraining} if verb == "distill-vectors" else {}
    wanted |= {("", section, key) for section in own for key in known[section].model_fields}
    held = {"fit": {"task": TASKS, "strategies": STRATEGIES}, "pretrain": {"objective": OBJECTIVES}}
    held |= {"compare": held["fit"], "curve": held["fit"], "init": {"task": TASKS}, "adapt": held["pretrain"]}
    held |= {"distill": held["fit"], "tune": held["fit"], "rank": held["init"], "check": held["fit"]}
    for field, registry in held.get(verb, {}).items():
        names = [name for name in registry.names() if (field, name) != ("objective", "contrastive")]
        names = ["distillation"] if (verb, field) == ("distill", "strategies") else names
        names = [name for name in names if verb != "rank" or registry.get(name).target_kind in SUITED]
        wanted |= {(name, field, key) for name in names for key in registry.get(name).model_fields}
    hidden = {tuple(path.split(".")) for path in HIDDEN}
    assert {path for path in wanted if path[1:] not in hidden} == set(reached)


def test_keys_without_a_flag_are_reached_by_set_and_by_dotted_keywords(from_flags: Callable[..., Any]) -> None:
    built = from_flags("fit", "data.csv", "--set", "task.labels=[a, b]", "--set", "backbone.digest=abc")
    assert (built.task.labels, built.backbone.digest) == (("a", "b"), "abc")
    assert built == assemble("fit", {"train": "data.csv", "task.labels": ("a", "b"), "backbone.digest": "abc"})
    nested_key = from_flags("fit", "data.csv", "--strategy", "fine-tuning", "--set", "strategy.layer-decay=0.5")
    assert nested_key.strategies[0].layer_decay == 0.5
    assert nested_key == assemble("fit", {"train": "data.csv", "strategy": {"name": "fine-tuning", "layer_decay": 0.5}})
    second = from_flags("fit", "data.csv", "--strategies", "tf-idf,fine-tuning", "--set", "strategies.1.layers=1")
    assert second.strategies[1].layers == 1


def test_a_key_of_a_component_is_reached_by_its_name_through_every_door(
    from_flags: Callable[..., Any], tmp_path: Path
) -> None:
    words = ("data.csv", "--strategies", "contrastive,fine-tuning")
    wanted = from_flags("compare", *words, "--temperature", "0.2", "--set", "strategies.1.layers=2")
    assert [strategy.plain() for strategy in wanted.strategies] != [
        strategy.plain() for strategy in from_flags("compare", *words).strategies
    ]
    dotted = ("--contrastive.temperature", "0.2", "--fine-tuning.layers", "2")
    assert from_flags("compare", *words, *dotted) == wanted
    put = ("--set", "contrastive.temperature=0.2", "--set", "fine-tuning.layers=2")
    assert from_flags("compare", *words, *put) == wanted
    options = {"contrastive.temperature": 0.2, "fine-tuning.layers": 2}
    given = {"train": "data.csv", "strategies": ("contrastive", "fine-tuning")}
    assert assemble("compare", given | options) == wanted
    file = {"verb": "compare", "data": {"train": "data.csv"}, "strategies": ["contrastive", "fine-tuning"]}
    for number, more in enumerate((options, {"strategies": [{"contrastive": {"temperature": 0.2}},
                                                            {"name": "fine-tuning", "layers": 2}]})):  # fmt: skip
        path = tmp_path / f"{number}.yaml"
        path.write_text(yaml.safe_dump(file | more), encoding="utf-8")
        assert read(path) == wanted
    path.write_text(yaml.safe_dump(file), encoding="utf-8")
    assert read(path, {"contrastive.temperature": 0.2, "fine_tuning.layers": 2}) == wanted
    objective = from_flags("pretrain", "a.txt", "--objective", "simcse", "--simcse.temperature", "0.2")
    assert objective.objective.temperature == 0.2
    task = from_flags("fit", "data.csv", "--task", "token-classification", "--token-classification.crf")
    assert task.task.crf is True


def test_labels_that_yaml_takes_for_something_else_are_labels(from_flags: Callable[..., Any]) -> None:
    for text, weights in (("{yes: 2, no: 1}", {"yes": 2.0, "no": 1.0}), ("{1: 2, null: 1.5}", {"1": 2.0, "null": 1.5})):
        assert (
            from_flags("fit", "a.csv", "--task", "text-classification", "--class-weight", text).task.class_weight
            == weights
        )


def test_layers_are_given_as_a_number_as_several_or_as_all(from_flags: Callable[..., Any]) -> None:
    words = ("fit", "data.csv", "--strategy")
    assert from_flags(*words, "feature-extraction", "--layers", "1,2").strategies[0].layers == (1, 2)
    assert from_flags(*words, "feature-extraction", "--layers", "2").strategies[0].layers == (2,)
    assert from_flags(*words, "fine-tuning", "--layers", "2").strategies[0].layers == 2
    assert from_flags(*words, "fine-tuning", "--layers", "all").strategies[0].layers == "all"


def test_a_recipe_written_out_is_read_back_as_the_same_recipe(tmp_path: Path) -> None:
    given = assemble(
        "fit", {"train": "a.csv", "strategies": "tf-idf,fine-tuning", "C": 2.0, "class_weight": {"x": 2}, "rows": False}
    )
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(given.plain()), encoding="utf-8")
    assert read(path) == given


def test_all_doors_give_identical_predictions(
    train: Path,
    tiny_backbone: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import headstart

    options = {"strategy": "feature-extraction", "pooling": "mean", "controls": False, "seed": 4, "max_length": 24}
    headstart.fit(train, backbone=str(tiny_backbone), output=str(tmp_path / "python"), **options)
    document = {
        "data": {"train": str(train)}, "backbone": {"location": str(tiny_backbone), "max_length": 24}, "seed": 4,
        "strategy": {"name": "feature-extraction", "pooling": "mean"}, "controls": False,
    }  # fmt: skip
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(document | {"output": str(tmp_path / "file")}))
    words = ["fit", str(train), "--strategy", "feature-extraction", "--pooling", "mean", "--no-controls", "--seed", "4",
             "--max-length", "24", "--backbone", str(tiny_backbone), "-o", str(tmp_path / "flags")]  # fmt: skip
    for line in (words, ["run", str(tmp_path / "recipe.yaml")]):
        monkeypatch.setattr(sys, "argv", ["headstart", *line])
        with pytest.raises(SystemExit, match=r"^0$"):
            main()
    headstart.run(document | {"output": str(tmp_path / "mapping")})  # pyright: ignore[reportCallIssue]
    texts = ["good day", "bad night, bad start", "a shop opens at nine on monday" * 9, ""]
    predictions = {
        door: headstart.predict(tmp_path / door, texts)["predictions"]
        for door in ("python", "file", "flags", "mapping")
    }
    assert predictions["python"][2]["truncated"]
    for door in ("file", "flags", "mapping"):
        assert predictions[door] == predictions["python"]
        assert (tmp_path / door / "recipe.yaml").read_text() == (tmp_path / "python" / "recipe.yaml").read_text()
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["headstart", "predict", str(tmp_path / "python"), *texts[:2], "--json"])
    with pytest.raises(SystemExit, match=r"^0$"):
        main()
    by_flags = json.loads(capsys.readouterr().out)
    assert by_flags == headstart.predict(tmp_path / "python", texts[:2])


@pytest.mark.parametrize(
    ("strategy", "options", "words"),
    [
        pytest.param(
            "contrastive",
            {"label_names": True, "updates": 3, "top_layers": 1},
            "--label-names --updates 3 --top-layers 1",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "lora", {"rank": 2, "targets": "query,value"}, "--rank 2 --targets query,value", marks=pytest.mark.slow
        ),
        ("feature-extraction", {"label_names": False}, "--no-label-names"),
    ],
)
def test_few_labels_give_the_same_model_through_every_door(
    strategy: str,
    options: dict[str, Any],
    words: str,
    train: Path,
    tiny_backbone: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import headstart

    rows = train.read_text(encoding="utf-8").replace(",up", ",good news").replace(",down", ",bad news")
    data = tmp_path / "data.csv"
    data.write_text("\n".join(rows.split("\n")[:17]) + "\n", encoding="utf-8")
    epochs = {"epochs": 1} if strategy == "lora" else {}
    headstart.fit(
        data, backbone=str(tiny_backbone), output=str(tmp_path / "python"), strategy=strategy, controls=False, folds=4,
        **epochs, **options,
    )  # fmt: skip
    document = {
        "data": {"train": str(data), "folds": 4}, "backbone": str(tiny_backbone), "controls": False,
        "strategy": {"name": strategy} | options, "training": epochs, "output": str(tmp_path / "file"),
    }  # fmt: skip
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(document))
    line = ["fit", str(data), "--strategy", strategy, "--folds", "4", "--no-controls", "--backbone", str(tiny_backbone),
            "-o", str(tmp_path / "flags"), *words.split(), *(["--epochs", "1"] if epochs else [])]  # fmt: skip
    for given in (line, ["run", str(tmp_path / "recipe.yaml")]):
        monkeypatch.setattr(sys, "argv", ["headstart", *given])
        with pytest.raises(SystemExit, match=r"^0$"):
            main()
    written = (tmp_path / "python" / "recipe.yaml").read_text(encoding="utf-8")
    resolved = yaml.safe_load(written)
    assert resolved["data"]["folds"] == 4
    for key, value in options.items():
        if key != "updates":  # written down as epochs
            assert resolved["strategy"][key] == (value.split(",") if key == "targets" else value)
    texts = ["good day", "bad night, bad start", ""]
    expected = headstart.predict(tmp_path / "python", texts)
    for door in ("file", "flags"):
        assert (tmp_path / door / "recipe.yaml").read_text(encoding="utf-8") == written
        assert headstart.predict(tmp_path / door, texts) == expected


def test_evaluate_gives_the_same_through_every_door(
    train: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import headstart
    from headstart import api

    headstart.fit(train, strategy="tf-idf", C=1.0, controls=False, output=str(tmp_path / "m"))
    expected = headstart.evaluate(tmp_path / "m", train, by="label")
    (tmp_path / "e.yaml").write_text(f"verb: evaluate\nmodel: {tmp_path / 'm'}\ntest: {train}\nby: [label]\n")
    assert api.run(tmp_path / "e.yaml") == expected
    capsys.readouterr()
    monkeypatch.setattr(
        sys, "argv", ["headstart", "evaluate", str(tmp_path / "m"), str(train), "--by", "label", "--json"]
    )
    with pytest.raises(SystemExit, match=r"^0$"):
        main()
    assert json.loads(capsys.readouterr().out) == expected


def test_abstaining_gives_the_same_through_every_door(
    train: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import headstart
    from headstart import api

    def command(*words: object) -> Any:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["headstart", *map(str, words), "--json"])
        with pytest.raises(SystemExit, match=r"^0$"):
            main()
        return json.loads(capsys.readouterr().out)

    model, options = tmp_path / "m", {"strategy": "tf-idf", "C": 1.0, "controls": False}
    fitted = headstart.fit(train, abstain=0.6, output=str(model), **options)
    asked = fitted.evidence["abstention"]["asked"]
    assert asked["threshold"] == 0.6
    words = ("fit", train, "--strategy", "tf-idf", "--C", "1", "--no-controls", "--abstain", "0.6")
    assert command(*words, "-o", tmp_path / "flags")["abstention"] == asked
    assert (tmp_path / "flags" / "recipe.yaml").read_text() == (model / "recipe.yaml").read_text()
    resolved = yaml.safe_load((model / "recipe.yaml").read_text(encoding="utf-8")) | {"output": str(tmp_path / "file")}
    assert api.run(resolved)["abstention"] == asked

    texts = ["good day", "way and way"]
    scores = [row["score"] for row in headstart.predict(model, texts)["predictions"]]
    threshold = sum(scores) / 2
    predicted = headstart.predict(model, texts, abstain=threshold)
    assert [row["abstained"] for row in predicted["predictions"]] == [False, True]
    assert command("predict", model, *texts, "--abstain", threshold) == predicted
    recipe = {"verb": "predict", "model": str(model), "texts": texts, "abstain": threshold}
    assert api.run(recipe) == predicted

    measured = headstart.evaluate(model, train, abstain=threshold)
    assert measured["abstention"]["threshold"] == threshold
    assert command("evaluate", model, train, "--abstain", threshold) == measured
    (tmp_path / "e.yaml").write_text(f"verb: evaluate\nmodel: {model}\ntest: {train}\nabstain: {threshold}\n")
    assert api.run(tmp_path / "e.yaml") == measured
