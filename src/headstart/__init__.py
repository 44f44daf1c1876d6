"""headstart: transfer learning with language models, measured."""

from typing import Any

from headstart.runtime.forking import watch_forks as _watch_forks

_LAZY = {
    "TextClassifier": "headstart.estimators:TextClassifier",
    "TextPairClassifier": "headstart.estimators:TextPairClassifier",
    "MultiLabelClassifier": "headstart.estimators:MultiLabelClassifier",
    "TokenClassifier": "headstart.estimators:TokenClassifier",
    "TextRegressor": "headstart.estimators:TextRegressor",
    "SimilarityRegressor": "headstart.estimators:SimilarityRegressor",
    "QuestionAnswerer": "headstart.estimators:QuestionAnswerer",
    "Retriever": "headstart.estimators:Retriever",
    "ReplySelector": "headstart.estimators:ReplySelector",
    "TextGenerator": "headstart.estimators:TextGenerator",
    "Translator": "headstart.estimators:Translator",
    "DialogueModel": "headstart.estimators:DialogueModel",
    "Artifact": "headstart.artifact:Artifact",
    "load": "headstart.loading:load",
    "fit": "headstart.api:fit",
    "fit_tasks": "headstart.api:fit_tasks",
    "MultiTaskModel": "headstart.multi_task:MultiTaskModel",
    "extract": "headstart.api:extract",
    "compare": "headstart.api:compare",
    "curve": "headstart.api:curve",
    "distill": "headstart.api:distill",
    "tune": "headstart.api:tune",
    "distill_vectors": "headstart.api:distill_vectors",
    "plan": "headstart.api:plan",
    "pretrain": "headstart.api:pretrain",
    "adapt": "headstart.api:adapt",
    "predict": "headstart.api:predict",
    "resume": "headstart.api:resume",
    "evaluate": "headstart.api:evaluate",
    "chat": "headstart.api:chat",
    "Conversation": "headstart.runs.chatting:Conversation",
    "import_model": "headstart.api:import_model",
    "trim": "headstart.api:trim",
    "export": "headstart.api:export",
    "duplicates": "headstart.api:duplicates",
    "cluster": "headstart.api:cluster",
    "suggest": "headstart.api:suggest",
    "rank": "headstart.api:rank",
    "check": "headstart.api:check",
    "audit": "headstart.api:audit",
    "run": "headstart.api:run",
    "index": "headstart.api:index",
    "search": "headstart.api:search",
    "ask": "headstart.api:ask",
    "Index": "headstart.indexes.index:Index",
    "clear_cache": "headstart.data.cache:clear_cache",
    "HeadstartError": "headstart.errors:HeadstartError",
}

__all__ = sorted([*_LAZY, "__version__"])

_watch_forks()


def __getattr__(name: str) -> Any:
    """Import public names when they are first asked for, so that `import headstart` costs nothing."""
    if name == "__version__":
        from headstart.manifest import own_version

        return own_version()
    if name not in _LAZY:
        raise AttributeError(f"module 'headstart' has no attribute '{name}'")
    import importlib

    module, _, attribute = _LAZY[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return __all__
