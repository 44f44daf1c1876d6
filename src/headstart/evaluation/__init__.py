"""Evaluation: calibrated scores with intervals, as a whole and by group, and all else that is measured of a model."""

from headstart.registry import Registry

MEASUREMENTS = Registry(
    "measurement",
    {
        "teacher": "headstart.evaluation.measurements.teacher:TeacherBeside",
        "added": "headstart.evaluation.measurements.added:WhatWasAdded",
        "domains": "headstart.evaluation.measurements.domains:Domains",
        "tests": "headstart.evaluation.measurements.named_tests:NamedTests",
        "thresholds": "headstart.evaluation.measurements.thresholds:ThresholdsGiven",
        "reliability": "headstart.evaluation.measurements.reliability:Reliability",
        "abstention": "headstart.evaluation.measurements.abstention:AbstentionCurve",
        "prediction_sets": "headstart.evaluation.measurements.prediction_sets:SetsHeld",
        "out_of_scope": "headstart.evaluation.measurements.scope:Refusals",
        "by_label": "headstart.evaluation.measurements.by_label:ByLabel",
        "span_errors": "headstart.evaluation.measurements.span_errors:SpanErrors",
        "number_errors": "headstart.evaluation.measurements.number_errors:NumberErrors",
        "confusion": "headstart.evaluation.measurements.confusion:Confusion",
        "doubts": "headstart.evaluation.measurements.doubts:Doubts",
        "written_texts": "headstart.evaluation.measurements.written_texts:WrittenTexts",
        "source_lengths": "headstart.evaluation.measurements.source_lengths:SourceLengths",
        "rare_words": "headstart.evaluation.measurements.rare_words:RareWords",
        "worst_rows": "headstart.evaluation.measurements.worst_rows:WorstRows",
        "faithfulness": "headstart.evaluation.measurements.faithfulness:Faithfulness",
        "slices": "headstart.evaluation.measurements.slices:Slices",
        "group_gaps": "headstart.evaluation.measurements.group_gaps:GroupGaps",
        "swaps": "headstart.evaluation.measurements.swaps:Swaps",
        "perturbations": "headstart.evaluation.measurements.perturbations:Perturbations",
        "templates": "headstart.evaluation.measurements.templates:TemplateTests",
        "contrast": "headstart.evaluation.measurements.contrast:ContrastSets",
        "sentence_pairs": "headstart.evaluation.measurements.sentence_pairs:SentencePairs",
        "pair_likelihoods": "headstart.evaluation.measurements.pair_likelihoods:PairPreferences",
        "lengths": "headstart.evaluation.measurements.lengths:Lengths",
    },
    group="headstart.measurements",
)
"""What is measured of a model on labelled rows, in the order in which report, card and verdict speak of it."""
