"""Tasks: objectives with labels, predictions and scores, under the names users know from the hub."""

from headstart.registry import Registry

TASKS = Registry(
    "task",
    {
        "dialogue": "headstart.tasks.dialogue:DialogueTask",
        "summarization": "headstart.tasks.summarization:Summarization",
        "text-to-text": "headstart.tasks.text_to_text:TextToText",
        "translation": "headstart.tasks.translation:Translation",
        "text-classification": "headstart.tasks.text_classification:TextClassification",
        "multi-label-classification": "headstart.tasks.multi_label_classification:MultiLabelClassification",
        "question-answering": "headstart.tasks.question_answering:QuestionAnswering",
        "response-selection": "headstart.tasks.response_selection:ResponseSelection",
        "retrieval": "headstart.tasks.retrieval:Retrieval",
        "sentence-similarity": "headstart.tasks.sentence_similarity:SentenceSimilarity",
        "text-pair-classification": "headstart.tasks.text_pair_classification:TextPairClassification",
        "text-regression": "headstart.tasks.text_regression:TextRegression",
        "token-classification": "headstart.tasks.token_classification:TokenClassification",
    },
    group="headstart.tasks",
)
