"""Decoders that write: prompts, losses of replies and texts are those of plain transformers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.toys.decoders import make_decoder
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from headstart.backbones.chat import CHATML, ChatTemplate, template_for
from headstart.backbones.location import BackboneSource
from headstart.data.dialogues import Turn, json_of
from headstart.errors import DataError, ModelError
from headstart.predictors.causal import CausalPredictor
from headstart.tasks.dialogue import DialogueTask, read_back
from headstart.writing.decoding import Decoding

DIALOGUES = [
    (
        Turn("user", "what is not good?"),
        Turn("assistant", "it is bad"),
        Turn("user", "and day?"),
        Turn("assistant", "night, yes"),
    ),
    (Turn("system", "Say no."), Turn("user", "the cat sat"), Turn("assistant", "no")),
    (Turn("user", "yes"), Turn("assistant", "on the mat  ")),
]
KINDS = ("llama", "gpt2", "qwen2", "gpt_neox", "opt", "bloom")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    made: dict[str, Path] = {}

    def of(kind: str = "llama") -> Path:
        if kind not in made:
            made[kind] = make_decoder(tmp_path_factory.mktemp("decoder") / kind, kind)
        return made[kind]

    return of


def predictor(where: Path, *, max_length: int | None = None, **options: Any) -> CausalPredictor:
    source = BackboneSource(location=str(where), max_length=max_length)
    return CausalPredictor.of(
        source, DialogueTask(text=("messages",), label="messages", metric="token_loss", **options)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_next_is_what_generate_writes_for_prompts_of_several_lengths(
    kind: str, folder: Callable[..., Path]
) -> None:
    found = predictor(folder(kind))
    network: Any = AutoModelForCausalLM.from_pretrained(folder(kind), dtype=torch.float32).eval()
    prompts = [[5, 9, 30, 7, 12, 40], [8, 3], [21], [4, 4, 9]]
    for beams, penalty in ((1, 1.0), (3, 0.5)):
        how = Decoding(beams=beams, length_penalty=penalty, best=beams, max_new_tokens=7)
        ours = found.written([(ids, 0) for ids in prompts], how)
        for row, ids in enumerate(prompts):
            theirs = network.generate(
                torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.int64),
                generation_config=GenerationConfig(
                    num_beams=beams, num_return_sequences=beams, max_new_tokens=7, eos_token_id=list(found.ends), pad_token_id=0,
                    early_stopping=False, **({"length_penalty": penalty} if beams > 1 else {}),
                ),
            )[:, len(ids) :]  # fmt: skip
            assert list(ours.texts[row]) == found.backbone.tokenizer.written(theirs.tolist()), (kind, beams, row)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_the_loss_of_replies_is_that_of_each_dialogue_alone_reply_by_reply(
    kind: str, folder: Callable[..., Path]
) -> None:
    found = predictor(folder(kind))
    outputs = found.outputs([json_of(each) for each in DIALOGUES])
    tokenizer = AutoTokenizer.from_pretrained(folder(kind))
    network: Any = AutoModelForCausalLM.from_pretrained(folder(kind), dtype=torch.float32).eval()
    for row, dialogue in enumerate(DIALOGUES):
        nats, count = 0.0, 0
        for at, turn in enumerate(dialogue):
            if turn.role != "assistant":
                continue
            messages = [{"role": each.role, "content": each.text} for each in dialogue[:at]]
            prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=True)["input_ids"]
            reply = tokenizer(turn.text + "<|im_end|>", add_special_tokens=False)["input_ids"]
            with torch.no_grad():
                logits = network(torch.tensor([prompt + reply])).logits[0]
            shares = torch.log_softmax(logits.double(), dim=1)
            nats -= float(sum(shares[len(prompt) - 1 + place, word] for place, word in enumerate(reply)))
            count += len(reply)
        assert outputs.counts[row] == count  # type: ignore[attr-defined]
        assert float(outputs.losses[row]) * count == pytest.approx(nats, rel=1e-5)
    assert outputs.bytes.tolist() == [len("it is bad") + len("night, yes"), 2, len("on the mat  ")]  # type: ignore[attr-defined]


def test_the_oldest_turns_of_a_long_dialogue_are_left_out_whole_but_what_the_system_says_stays(
    folder: Callable[..., Path],
) -> None:
    tokenizer = predictor(folder(), max_length=60).backbone.tokenizer
    long = (Turn("system", "Say no."), *(turn for _ in range(6) for turn in DIALOGUES[0][:2]))
    rows = template_for(tokenizer, None).rows([long], str)
    assert rows.lengths[0] <= 60
    text = tokenizer.decode(rows.tokens.get(0).tolist())
    assert text.startswith("<|im_start|>system\nSay no.<|im_end|>\n<|im_start|>user\nwhat")
    assert rows.turns_lost[0] > 0
    assert rows.turns_lost[0] % 2 == 0
    replies = text.count("it is bad")
    assert rows.bytes[0] == replies * len("it is bad")
    prompt, lost = template_for(tokenizer, None).prompt((*long, Turn("user", "and day?")), 60)
    assert len(prompt) <= 60
    assert lost > 0
    assert tokenizer.decode(prompt).endswith("and day?<|im_end|>\n<|im_start|>assistant\n")


def test_a_template_that_raises_or_alters_earlier_turns_is_named_with_the_line(
    folder: Callable[..., Path], tmp_path: Path
) -> None:
    raising = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system here') }}{% endif %}{{ messages[0]['content'] }}"
    altering = "{% for message in messages %}{{ message['content'][:3] if not loop.last else message['content'] }};{% endfor %}"
    for source, reason in ((raising, "refuses it: no system here"), (altering, "writes earlier turns another way")):
        where = make_decoder(tmp_path / str(len(source)), template=source)
        template = template_for(predictor(where).backbone.tokenizer, None)
        with pytest.raises(DataError, match=f"chats.jsonl:1: .*{reason}"):
            template.rows([DIALOGUES[1], DIALOGUES[0]], lambda row: f"chats.jsonl:{row + 1}")


def test_a_network_without_a_template_is_given_a_plain_one_or_the_one_that_is_named(tmp_path: Path) -> None:
    where = make_decoder(tmp_path / "bare", template=None)
    tokenizer = predictor(where).backbone.tokenizer
    assert (
        template_for(tokenizer, None).render(DIALOGUES[0][:2])
        == "User: what is not good?\nAssistant: it is bad<|im_end|>\n"
    )
    assert (
        template_for(tokenizer, CHATML).render(DIALOGUES[2][:1], prompt=True)
        == "<|im_start|>user\nyes<|im_end|>\n<|im_start|>assistant\n"
    )
    with pytest.raises(ModelError, match=r"has no chat template .*--template chatml\|plain"):
        ChatTemplate(tokenizer, "own")
    rows = template_for(tokenizer, None).rows([DIALOGUES[0]], str)
    ids = rows.tokens.get(0)[rows.is_reply]
    assert tokenizer.decode(ids.tolist()).replace(" ", "") == "itisbad<|im_end|>night,yes<|im_end|>"


def test_a_reply_comes_bit_by_bit_and_is_the_one_that_predict_gives(folder: Callable[..., Path]) -> None:
    found = predictor(folder(), beams=1, max_new_tokens=12)
    asked = json_of(DIALOGUES[0][:3])
    whole = found.outputs([asked]).texts[0][0]
    parts = list(found.stream(asked))
    assert "".join(parts).strip() == whole
    assert len(parts) > 1


def test_saved_and_loaded_it_says_the_same_as_plain_transformers_by_the_card(
    folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = predictor(folder(), beams=1, max_new_tokens=9)
    asked = json_of((Turn("user", "the cat sat"),))
    said = found.outputs([asked]).texts[0][0]
    described = found.save(tmp_path)
    again = CausalPredictor.load(tmp_path, found.task, described)
    assert again.outputs([asked]).texts[0][0] == said
    monkeypatch.chdir(tmp_path)
    exec(compile(found.usage().replace('"a text"', '"the cat sat"'), "card", "exec"), {})
    assert capsys.readouterr().out == said + "\n"


def test_dialogues_are_read_checked_and_answered_as_a_task_has_it() -> None:
    task = DialogueTask(text=("messages",), label="messages")
    assert read_back(task.checked(0, "the cat sat")) == (Turn("user", "the cat sat"),)
    assert read_back(task.checked(0, [{"role": "user", "content": "yes"}, {"role": "assistant", "content": "no"}])) == (
        Turn("user", "yes"),
    )
    with pytest.raises(DataError, match=r"text 3: turns 1 and 2 are both of the user"):
        task.checked(3, [{"role": "user", "content": "yes"}, {"role": "user", "content": "no"}])
