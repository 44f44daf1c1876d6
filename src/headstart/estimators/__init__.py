"""The scikit-learn door: transfer as estimators with `fit`, `predict` and `score`, one for each task."""

from headstart.estimators.text_classifier import TextClassifier

__all__ = ["TextClassifier"]
