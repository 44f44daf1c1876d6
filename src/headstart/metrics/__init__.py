"""Metrics: scores of predictions, their intervals and paired tests, calibration, abstention."""

from headstart.registry import Registry

METRICS = Registry(
    "metric",
    {
        "accuracy": "headstart.metrics.classification:ACCURACY",
        "macro_f1": "headstart.metrics.counts:MACRO_F1",
        "mcc": "headstart.metrics.classification:MCC",
        "f1": "headstart.metrics.counts:F1",
        "precision": "headstart.metrics.counts:PRECISION",
        "recall": "headstart.metrics.counts:RECALL",
        "map": "headstart.metrics.label_sets:MAP",
        "pearson": "headstart.metrics.numbers:PEARSON",
        "spearman": "headstart.metrics.numbers:SPEARMAN",
        "rmse": "headstart.metrics.numbers:RMSE",
        "mae": "headstart.metrics.numbers:MAE",
        "ndcg_at_10": "headstart.metrics.ranking:NDCG_AT_10",
        "mrr_at_10": "headstart.metrics.ranking:MRR_AT_10",
        "recall_at_1": "headstart.metrics.ranking:RECALL_AT_1",
        "recall_at_5": "headstart.metrics.ranking:RECALL_AT_5",
        "recall_at_20": "headstart.metrics.ranking:RECALL_AT_20",
        "recall_at_1_of_10": "headstart.metrics.ranking:RECALL_AT_1_OF_10",
        "mrr_of_10": "headstart.metrics.ranking:MRR_OF_10",
        "recall_at_10": "headstart.metrics.ranking:RECALL_AT_10",
        "exact_match": "headstart.metrics.answers:EXACT_MATCH",
        "answer_f1": "headstart.metrics.answers:ANSWER_F1",
        "has_answer_f1": "headstart.metrics.answers:HAS_ANSWER_F1",
        "no_answer_accuracy": "headstart.metrics.answers:NO_ANSWER_ACCURACY",
        "bleu": "headstart.metrics.written:BLEU",
        "chrf": "headstart.metrics.written:CHRF",
        "rouge_1": "headstart.metrics.written:ROUGE_1",
        "rouge_2": "headstart.metrics.written:ROUGE_2",
        "rouge_l": "headstart.metrics.written:ROUGE_L",
        "token_loss": "headstart.metrics.likelihood:TOKEN_LOSS",
        "bits_per_byte": "headstart.metrics.likelihood:BITS_PER_BYTE",
        "perplexity": "headstart.metrics.likelihood:PERPLEXITY",
        "log_loss": "headstart.metrics.classification:LOG_LOSS",
        "ece": "headstart.metrics.classification:ECE",
    },
    group="headstart.metrics",
)


def title_of(name: str) -> str:
    """How people read a metric's name; the name itself where it is not registered."""
    return METRICS.get(name).title if name in METRICS.names() else name


def hub_name_of(name: str) -> str:
    """The name of a metric on the hub; its own where the hub has none."""
    return (METRICS.get(name).hub if name in METRICS.names() else "") or name


def is_better_lower(name: str) -> bool:
    """Whether a metric is an error or a loss; False where it is not registered."""
    return name in METRICS.names() and METRICS.get(name).lower_is_better
