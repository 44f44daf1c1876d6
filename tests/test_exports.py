"""What `import headstart` offers, and what it costs."""

import json
import subprocess
import sys

import headstart

PROBE = """
import json, sys
import headstart
kinds = {}
for name in headstart.__all__:
    value = getattr(headstart, name)
    kinds[name] = "text" if isinstance(value, str) else "class" if isinstance(value, type) else (
        "function" if callable(value) else type(value).__name__)
again = [name for name in headstart.__all__ if callable(getattr(headstart, name))]
print(json.dumps([kinds, again]))
"""
EXPECTED = {
    "Artifact": "class", "MultiTaskModel": "class", "HeadstartError": "class", "TextClassifier": "class", "TextPairClassifier": "class",
    "MultiLabelClassifier": "class", "QuestionAnswerer": "class", "Retriever": "class", "ReplySelector": "class", "DialogueModel": "class", "TextGenerator": "class", "Translator": "class", "TokenClassifier": "class", "TextRegressor": "class", "SimilarityRegressor": "class",
    "__version__": "text",
    "clear_cache": "function",
    "compare": "function", "tune": "function", "curve": "function", "evaluate": "function", "fit": "function", "load": "function", "plan": "function",
    "adapt": "function", "pretrain": "function", "distill": "function",
    "predict": "function", "resume": "function",
    "export": "function", "duplicates": "function", "cluster": "function", "suggest": "function", "rank": "function", "check": "function", "audit": "function", "import_model": "function", "trim": "function", "distill_vectors": "function", "chat": "function", "Conversation": "class",
    "fit_tasks": "function", "extract": "function", "run": "function",
    "index": "function", "search": "function", "ask": "function", "Index": "class",
}  # fmt: skip


def test_all_public_names_resolve_and_stay_what_they_are() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    kinds, again = json.loads(done.stdout)
    assert kinds == EXPECTED
    assert again == [name for name in sorted(EXPECTED) if name != "__version__"]


def test_all_and_dir_are_the_same_sorted_list_of_public_names() -> None:
    assert headstart.__all__ == sorted(EXPECTED) == dir(headstart)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    try:
        headstart.fitt  # noqa: B018
    except AttributeError as error:
        assert "module 'headstart' has no attribute 'fitt'" in str(error)
    else:
        raise AssertionError("headstart.fitt resolved")
