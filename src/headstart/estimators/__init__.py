"""The scikit-learn door: transfer as estimators with `fit`, `predict` and `score`, one for each task."""

from headstart.estimators.dialogue_model import DialogueModel
from headstart.estimators.multi_label_classifier import MultiLabelClassifier
from headstart.estimators.pairs import SimilarityRegressor, TextPairClassifier
from headstart.estimators.question_answerer import QuestionAnswerer
from headstart.estimators.reply_selector import ReplySelector
from headstart.estimators.retriever import Retriever
from headstart.estimators.text_classifier import TextClassifier
from headstart.estimators.text_generator import TextGenerator
from headstart.estimators.text_regressor import TextRegressor
from headstart.estimators.token_classifier import TokenClassifier
from headstart.estimators.translator import Translator

__all__ = [
    "DialogueModel",
    "MultiLabelClassifier",
    "QuestionAnswerer",
    "ReplySelector",
    "Retriever",
    "SimilarityRegressor",
    "TextClassifier",
    "TextGenerator",
    "TextPairClassifier",
    "TextRegressor",
    "TokenClassifier",
    "Translator",
]
