"""The server that transformers brings, with a tiny model: it takes a request for log-probabilities and leaves them out."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.endpoints.conftest import Heard
from tests.toys.decoders import make_decoder

from headstart.data.prompts import Prompt
from headstart.endpoints.answers import ANSWERS
from headstart.endpoints.scoring import WrittenLabels
from headstart.endpoints.settings import Endpoint
from headstart.endpoints.teacher import EndpointTeacher
from headstart.errors import UnavailableError

MISSING = [name for name in ("fastapi", "uvicorn", "openai") if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"transformers serve needs {', '.join(MISSING)}"),
    pytest.mark.filterwarnings("default"),
]
PROMPT = Prompt("{text}", ("good", "bad"), "{labels}?")
TEXTS = [f"the {animal} is {word}" for animal in ("cat", "dog", "mat", "day") for word in ("good", "bad")]


def taught(folder: Path) -> Path:
    """A tiny decoder that was shown what to answer to each of the texts."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    make_decoder(folder)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    network = AutoModelForCausalLM.from_pretrained(folder)
    rows = []
    for text in TEXTS:
        message = {"role": "user", "content": WrittenLabels("m", PROMPT).request(text).body["messages"][0]["content"]}
        before = tokenizer.apply_chat_template([message], add_generation_prompt=True, tokenize=False)
        ids = [
            tokenizer(each, add_special_tokens=False)["input_ids"] for each in (before, text.split()[-1] + "<|im_end|>")
        ]
        rows.append(([*ids[0], *ids[1]], len(ids[0])))
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
    for _ in range(60):
        losses = []
        for ids, asked in rows:
            labels = torch.tensor([[-100] * asked + ids[asked:]])
            losses.append(network(torch.tensor([ids]), labels=labels).loss)
        loss = torch.stack(losses).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.05
    network.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    place = tmp_path_factory.mktemp("served")
    folder = taught(place / "tiny")
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    words = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(folder)]
    words += ["--port", str(port), "--host", "127.0.0.1", "--device", "cpu"]
    with (place / "log").open("w") as log, subprocess.Popen(words, stdout=log, stderr=log) as process:
        try:
            for _ in range(240):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                    break
                except OSError:
                    assert process.poll() is None, (place / "log").read_text()
                    time.sleep(0.5)
            yield Endpoint(url=f"http://127.0.0.1:{port}/v1", model=str(folder), concurrency=2)
        finally:
            process.terminate()


def test_labels_are_those_that_are_written_and_that_is_said(endpoint: Endpoint, heard: Heard, tmp_path: Path) -> None:
    teacher = EndpointTeacher(endpoint, ("pos", "neg"), PROMPT, answers=tmp_path / ANSWERS)
    found = teacher.logits(TEXTS, progress=heard)
    assert isinstance(teacher.scoring, WrittenLabels) and teacher.scoring.chat
    assert found.argmax(axis=1).tolist() == [0, 1] * (len(TEXTS) // 2) and teacher.unanswered == 0
    assert "labels by the labels that it writes" in heard.lines[0]
    assert "not by the log-probability of the labels' first tokens: it sends none" in heard.lines[0]
    assert teacher.spent.read > 0 and teacher.spent.written > 0
    again = EndpointTeacher(endpoint, ("pos", "neg"), PROMPT, answers=tmp_path / ANSWERS)
    assert np.array_equal(again.logits(TEXTS), found)


def test_a_model_that_is_not_there_is_told(endpoint: Endpoint) -> None:
    with pytest.raises(UnavailableError):
        EndpointTeacher(endpoint.revised(model="not/there"), ("pos", "neg"), PROMPT).logits(["a"])
