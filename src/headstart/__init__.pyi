"""headstart: transfer learning with language models, measured.

Made of the fields of recipes by `python -m headstart.recipes.signatures`; change those.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from headstart.api import TableLike
from headstart.api import resume as resume
from headstart.api import run as run
from headstart.artifact import Artifact as Artifact
from headstart.loading import load as load
from headstart.config import Component
from headstart.data.cache import clear_cache as clear_cache
from headstart.errors import HeadstartError as HeadstartError
from headstart.estimators import DialogueModel as DialogueModel
from headstart.estimators import MultiLabelClassifier as MultiLabelClassifier
from headstart.estimators import QuestionAnswerer as QuestionAnswerer
from headstart.estimators import ReplySelector as ReplySelector
from headstart.estimators import Retriever as Retriever
from headstart.estimators import SimilarityRegressor as SimilarityRegressor
from headstart.estimators import TextClassifier as TextClassifier
from headstart.estimators import TextGenerator as TextGenerator
from headstart.estimators import TextPairClassifier as TextPairClassifier
from headstart.estimators import TextRegressor as TextRegressor
from headstart.estimators import TokenClassifier as TokenClassifier
from headstart.estimators import Translator as Translator
from headstart.indexes.index import Index as Index
from headstart.multi_task import MultiTaskModel as MultiTaskModel
from headstart.runs.chatting import Conversation as Conversation
from headstart.runtime.progress import Progress

__version__: str

Keys = Mapping[str, Any] | Component
"""A component as a mapping of its keys, with its `name`, or as an instance."""
TaskName = Literal[
    "dialogue",
    "summarization",
    "text-to-text",
    "translation",
    "text-classification",
    "multi-label-classification",
    "question-answering",
    "response-selection",
    "retrieval",
    "sentence-similarity",
    "text-pair-classification",
    "text-regression",
    "token-classification",
]
"""Names that may stand for it; other packages may add some."""
StrategyName = Literal[
    "back-translation",
    "bi-encoder",
    "bm25",
    "contrastive",
    "copy-source",
    "coral",
    "crf",
    "distillation",
    "domain-adaptation",
    "feature-extraction",
    "fine-tuning",
    "from-scratch",
    "hybrid",
    "intermediate-task",
    "lexicon",
    "lora",
    "margin-mse",
    "multi-task",
    "nearest-sentence",
    "prompting",
    "rerank",
    "self-training",
    "tf-idf",
    "untouched",
    "warm-start",
    "weight-averaging",
    "word-overlap",
    "zero-shot",
]
"""Names that may stand for it; other packages may add some."""
ObjectiveName = Literal[
    "masked-lm",
    "causal-lm",
    "simcse",
    "span-selection",
]
"""Names that may stand for it; other packages may add some."""

def fit(
    data: TableLike,
    *,
    progress: Progress = ...,
    strategy: StrategyName | str | Keys | None = ...,
    task: TaskName | str | Keys | None = ...,
    strategies: str | Sequence[StrategyName | str | Keys] | None = ...,
    budget: float | Literal["auto"] | str | None = ...,
    refit: bool | None = ...,
    controls: bool | None = ...,
    seed: int | None = ...,
    threads: int | None = ...,
    device: Literal["auto", "cpu", "cuda"] | None = ...,
    precision: Literal["auto", "bfloat16", "float32"] | None = ...,
    cache: bool | None = ...,
    output: str | None = ...,
    overwrite: bool | None = ...,
    rows: bool | None = ...,
    abstain: float | None = ...,
    prediction_sets: float | None = ...,
    out_of_scope: bool | None = ...,
    measure: str | Sequence[str | Keys] | None = ...,
    format: Literal["conll", "conllu", "csv", "tsv", "jsonl", "parquet", "tmx"] | None = ...,
    encoding: str | None = ...,
    delimiter: str | None = ...,
    header: bool | None = ...,
    test: str | None = ...,
    validation: str | None = ...,
    target: str | None = ...,
    target_test: str | None = ...,
    tests: Mapping[str, str] | str | None = ...,
    translations: str | None = ...,
    counterfactuals: str | None = ...,
    typo_copies: str | None = ...,
    typo_rate: float | None = ...,
    copies: int | None = ...,
    balance_groups: str | None = ...,
    auxiliary: str | Sequence[str | Keys] | None = ...,
    corpus: str | None = ...,
    out_of_scope_label: str | None = ...,
    group_column: str | None = ...,
    time_column: str | None = ...,
    test_share: float | None = ...,
    validation_share: float | None = ...,
    most_rows: int | None = ...,
    train_rows: int | None = ...,
    draw: int | None = ...,
    test_seed: int | None = ...,
    most_test_rows: int | None = ...,
    folds: int | None = ...,
    backbone: str | Keys | None = ...,
    revision: str | None = ...,
    max_length: int | None = ...,
    epochs: int | None = ...,
    learning_rate: float | None = ...,
    batch_size: int | None = ...,
    warmup: float | None = ...,
    weight_decay: float | None = ...,
    max_grad_norm: float | None = ...,
    patience: int | None = ...,
    stop_after: int | None = ...,
    sample: int | None = ...,
    checkpoint_every: float | str | None = ...,
    text: Sequence[str] | str | None = ...,
    label: str | None = ...,
    labels: Sequence[str] | str | None = ...,
    metric: str | None = ...,
    beams: int | None = ...,
    length_penalty: float | None = ...,
    longest: float | None = ...,
    max_new_tokens: int | None = ...,
    sampling_temperature: float | None = ...,
    top_k: int | None = ...,
    top_p: float | None = ...,
    sampling_seed: int | None = ...,
    no_repeat_ngram: int | None = ...,
    template: Literal["own", "chatml", "plain"] | None = ...,
    best: int | None = ...,
    reference: Sequence[str] | str | None = ...,
    source_language: str | None = ...,
    target_language: str | None = ...,
    mask_terms: Mapping[str, Sequence[str]] | None = ...,
    mask_word: str | None = ...,
    weight: str | None = ...,
    class_weight: Literal["balanced"] | Mapping[str, float] | None = ...,
    merge_labels: bool | None = ...,
    drop_rare_labels: bool | None = ...,
    long: Literal["truncate", "window"] | None = ...,
    separator: Literal["json", "|", ";", ",", "#", "newline", "space"] | None = ...,
    answer_start: str | None = ...,
    no_answer: Literal["auto", "always", "never"] | None = ...,
    max_answer: int | None = ...,
    normalise: Literal["squad", "mlqa"] | None = ...,
    answer_language: Literal["ar", "de", "en", "es", "hi", "vi", "zh"] | None = ...,
    turns: int | None = ...,
    reply_role: Literal["any", "assistant"] | None = ...,
    passage_id: str | None = ...,
    grade: str | None = ...,
    encoder: Literal["bi", "cross"] | None = ...,
    scheme: Literal["iob1", "iob2", "bioes", "plain"] | None = ...,
    crf: bool | None = ...,
    then: StrategyName | str | Keys | None = ...,
    back_epochs: int | None = ...,
    back_temperature: float | None = ...,
    back_top_k: int | None = ...,
    tag: str | None = ...,
    top_layers: Literal["all"] | int | None = ...,
    scale: float | None = ...,
    symmetric: bool | None = ...,
    negatives: Literal["near", "mined", "bm25", "in-batch"] | None = ...,
    per_question: int | None = ...,
    margin: float | None = ...,
    widths: Sequence[int] | int | None = ...,
    width: int | None = ...,
    int8: bool | None = ...,
    vector_tokens: int | None = ...,
    stemmer: str | None = ...,
    k1: float | None = ...,
    b: float | None = ...,
    loss: Literal["supervised", "pairs"] | None = ...,
    temperature: float | None = ...,
    updates: int | None = ...,
    label_names: bool | None = ...,
    C: float | None = ...,
    layers: Sequence[int] | int | Literal["all"] | None = ...,
    pooling: Literal["first", "mean", "last"] | None = ...,
    regularisation: float | None = ...,
    match_means: bool | None = ...,
    variance: float | None = ...,
    teacher_model: str | None = ...,
    key_file: str | None = ...,
    key_env: str | None = ...,
    allow_remote: bool | None = ...,
    max_requests: int | None = ...,
    max_total_tokens: int | None = ...,
    max_cost: float | None = ...,
    price_in: float | None = ...,
    price_out: float | None = ...,
    request_rate: float | None = ...,
    concurrency: int | None = ...,
    request_timeout: float | str | None = ...,
    answer_deadline: float | str | None = ...,
    teacher_template: str | None = ...,
    teacher_instruction: str | None = ...,
    teacher_words: Mapping[str, str] | str | None = ...,
    teacher: Sequence[str] | str | Keys | None = ...,
    student: str | Keys | None = ...,
    student_layers: int | Sequence[int] | None = ...,
    student_start: Literal["teacher", "backbone"] | None = ...,
    distillation_temperature: float | None = ...,
    mix: float | None = ...,
    ask: int | None = ...,
    ask_by: Literal["random", "uncertainty", "diversity"] | None = ...,
    teacher_gate: bool | None = ...,
    gate: bool | None = ...,
    gate_seeds: int | None = ...,
    gate_folds: int | None = ...,
    texts: Sequence[str] | str | None = ...,
    own_texts: bool | None = ...,
    objective: ObjectiveName | str | Keys | None = ...,
    text_updates: int | None = ...,
    text_learning_rate: float | None = ...,
    text_batch: int | None = ...,
    text_l2_sp: float | None = ...,
    head: Literal["auto", "native", "mean"] | None = ...,
    head_first: bool | None = ...,
    layer_decay: float | None = ...,
    unfreezing: Literal["at-once", "gradual"] | None = ...,
    embeddings: bool | None = ...,
    dropout: float | None = ...,
    hidden_dropout: Literal["own"] | float | None = ...,
    prefix: str | None = ...,
    label_smoothing: float | None = ...,
    word_dropout: float | None = ...,
    rates: Sequence[float] | float | None = ...,
    passes: int | None = ...,
    compare_after: int | None = ...,
    like: str | Keys | None = ...,
    of: str | Keys | None = ...,
    dense_weight: float | None = ...,
    stone: str | None = ...,
    stone_epochs: int | None = ...,
    stone_rows: int | None = ...,
    probe_rows: int | None = ...,
    alignment_iterations: int | None = ...,
    rank: int | None = ...,
    alpha: float | None = ...,
    targets: Sequence[str] | str | None = ...,
    adapter_dropout: float | None = ...,
    candidates: int | None = ...,
    teacher_scale: float | None = ...,
    student_epochs: int | None = ...,
    student_learning_rate: float | None = ...,
    student_stop_after: int | None = ...,
    sampling_power: float | None = ...,
    most_passes: float | None = ...,
    weighting: Literal["fixed", "uncertainty"] | None = ...,
    loss_weights: Mapping[str, float] | None = ...,
    conflicts: Literal["measure", "project", "ignore"] | None = ...,
    focus: str | None = ...,
    single_runs: bool | None = ...,
    shots: int | None = ...,
    shot_selection: Literal["balanced", "random", "nearest"] | None = ...,
    prompt_template: str | None = ...,
    chat: bool | None = ...,
    instruction: str | None = ...,
    verbalizer: Mapping[str, str] | str | None = ...,
    calibration: Literal["none", "contextual", "batch", "domain-conditional"] | None = ...,
    length_normalised: bool | None = ...,
    expected_labels: float | None = ...,
    retriever: str | Keys | None = ...,
    depth: int | None = ...,
    interaction: Literal["late", "cross"] | None = ...,
    hard_negatives: int | None = ...,
    rerank_weight: float | None = ...,
    rerank_epochs: int | None = ...,
    rerank_learning_rate: float | None = ...,
    rerank_stop_after: int | None = ...,
    rounds: int | None = ...,
    confidence: float | None = ...,
    pseudo_weight: float | None = ...,
    decoder: str | None = ...,
    decoder_layers: int | None = ...,
    target_vocabulary: int | None = ...,
    encoder_rate: float | None = ...,
    average: Literal["soup", "wise"] | None = ...,
    members: int | None = ...,
    member_seeds: Sequence[int] | int | None = ...,
    member_runs: Sequence[str] | str | None = ...,
    greedy: bool | None = ...,
    end_share: float | None = ...,
    descriptions: Mapping[str, str] | str | None = ...,
    describe: str | None = ...,
    clusters: bool | None = ...,
    entailment: str | None = ...,
    entailment_label: str | None = ...,
    hypothesis_template: str | None = ...,
    embedding_backbone: str | None = ...,
    training: Keys | None = ...,
) -> Artifact:
    """Transfer a pretrained model to labelled data; controls run beside it.

    Options are those of `headstart fit --help-all`; `headstart explain NAME` tells all of one.

    Args:
        progress: Told what happens; silent by default.
        strategy: One way of transferring; by default several are tried.
        task: What is learnt, by the name that the hub has for it (`headstart list tasks`).
        strategies: Ways of transferring to run, by name.
        budget: Wall-clock time for the whole command, such as `90s`, `3m` or `1h`, at least 30 s, or `none` for no
            limit.
        refit: Let the kept model learn again from all labelled rows once all is chosen, those of validation too.
        controls: Run TF-IDF and the same network from scratch beside the strategies.
        seed: Seed of splits, batch order, dropout and random weights, in [0, 2^32).
        threads: CPU threads.
        device: Where networks compute.
        precision: Precision of matrix products in training and scoring.
        cache: Keep what frozen layers say of the texts on disk, so that it is not computed again.
        output: Folder for the model, report and evidence.
        overwrite: Replace the output folder if an earlier run wrote it.
        rows: Show texts and values of columns in the report.
        abstain: Confidence below which the model is not to answer, in [0, 1).
        prediction_sets: Probability with which a set of labels is to hold the true one, in (0, 1), where rows have
            one label each.
        out_of_scope: Give no label to rows that are about something else than the training rows, where rows have
            one label each.
        measure: What is measured of the chosen model for evidence and report, by name, such as `slices,confusion`.
        format: File format.
        encoding: Text encoding such as `cp1252`.
        delimiter: What stands between columns of a CSV file, one character.
        header: Whether the first line of CSV and TSV files has names of columns.
        test: File with rows to report scores on.
        validation: File with rows to make choices on.
        target: File with texts of another domain that the model is for.
        target_test: File with labelled rows of that other domain.
        tests: Files with more rows to report scores on, by name, such as `shop=shop.csv,film=film.csv`.
        translations: File with translated training rows, with the same columns.
        counterfactuals: File with lists of terms that could stand for each other, such as names of groups of
            people.
        typo_copies: Learn from training rows with misspelt words too.
        typo_rate: Share of the words of such a copy that are misspelt, in (0, 1].
        copies: Copies of a row at most for each list of terms, and with misspelt words, in [1, 20].
        balance_groups: Column with groups, such as those of customers.
        auxiliary: Files with labelled rows of other tasks, one of which the network learns first (`intermediate-
            task`), separated by commas.
        corpus: Files with the passages that are searched, of the task retrieval.
        out_of_scope_label: Label of rows that are examples of texts out of scope, such as `oos`.
        group_column: Column whose equal values never stand on both sides of a cut, such as a customer or an author.
        time_column: Column to cut by.
        test_share: Share of rows cut off as test where no test file is given, in [0, 1).
        validation_share: Share of the training rows cut off as validation where no such file is given, in (0, 1).
        most_rows: Rows used at most of the labelled rows before anything is cut off, a sample stratified by label.
        train_rows: Training rows used of those that are left once test rows are cut off, at least 2, stratified by
            label.
        draw: Number of the sample that `train_rows` takes, in [0, 2^32).
        test_seed: Seed of what is fixed while `seed` varies.
        most_test_rows: Test rows scored at most, drawn at random.
        folds: Folds of cross-validation in place of a validation part, in [2, 20].
        backbone: A known name (`mini`, English.
        revision: Hub revision.
        max_length: Tokens read of each text, special tokens included, at least 8.
        epochs: Passes over the training rows, in [1, 1000].
        learning_rate: Highest learning rate, in (0, 1].
        batch_size: Rows per update on average, in [1, 4096].
        warmup: Share of updates during which the learning rate rises, in [0, 1).
        weight_decay: Decoupled weight decay of the layers (not of heads, biases and norms), in [0, 1].
        max_grad_norm: Gradients are scaled down to this norm, over 0.
        patience: Epochs without improvement on validation after which training stops, at least 1.
        stop_after: Epoch after which training ends though the learning rate's schedule spans all `epochs`, in [1,
            1000].
        sample: Training rows that a strategy learns from at most, at least 2, drawn at random.
        checkpoint_every: Time between two checkpoints, such as `30s` or `5m`.
        text: Column(s) with the text.
        label: Column with the label.
        labels: Labels in the order of the outputs, such as `good,bad`.
        metric: Score by which choices are made on validation, one of those that the task is judged by (`headstart
            list metrics`).
        beams: Texts that are followed at the same time, in [1, 64].
        length_penalty: Power of a text's length that its log-probability is divided by, in [-10, 10].
        longest: Tokens that a text may have for each token of its input, beside a few, in (0, 100].
        max_new_tokens: Tokens of a text at most, in [1, 100,000], whatever its input.
        sampling_temperature: Over 0 words are drawn by chance, by probabilities to the power of 1 / temperature.
        top_k: Draw among so many of the likeliest words (Fan et al.
        top_p: Draw among the likeliest words that have this probability together (Holtzman et al.
        sampling_seed: Seed of what is drawn, in [0, 4294967295].
        no_repeat_ngram: Tokens in a row that may not occur twice in a text (Paulus et al.
        template: Chat template that makes text of dialogues.
        best: Answers or passages that a prediction lists at most, the best one included, in [1, 100].
        reference: Column(s) with the text that is to be written, the first one learnt from (`summary` or
            `ref1,ref2`).
        source_language: Code of the language that is read, such as `en`, `eng` or `en-GB`.
        target_language: Code of the language that is written, such as `de`.
        mask_terms: File with terms that the model is not to read, such as names of groups of people, or these as
            lists by name.
        mask_word: Word that stands in their place.
        weight: Column with how much each row counts in training, numbers over 0.
        class_weight: Weight of each class in training.
        merge_labels: Merge labels that differ only by case, white space or as 1 and 1.0 do into the most frequent
            spelling.
        drop_rare_labels: Leave out labels of a single example instead of stopping.
        long: What happens to a text of more tokens than the network reads.
        separator: What parts the labels of a cell.
        answer_start: Column with the place of the answer's first character in the context, from 0.
        no_answer: Whether the model may say that a context has no answer.
        max_answer: Words of an answer at most, in [1, 10000].
        normalise: How answers are made comparable before they are scored.
        answer_language: Language of the answers under `normalise.
        turns: Turns before a reply that are read, the last ones, in [1, 100].
        reply_role: Whose turns are replies.
        passage_id: Column with ids of passages beside their texts.
        grade: Column with numbers that say how well a passage answers, over 0 where it does.
        encoder: `bi` reads the two texts apart, and their cosine tells.
        scheme: In which tags are written.
        crf: Learn how well each tag follows the one before it, too.
        then: Strategy that is fitted inside, by name (of back-translation, domain-adaptation, intermediate-task,
            self-training, weight-averaging).
        back_epochs: Passes over the pairs of the model of the other direction, in [1, 1000] (of back-translation).
        back_temperature: Over 0 the inputs that are made up are drawn by chance, by probabilities to the power of 1
            / temperature (Edunov et al (of back-translation).
        back_top_k: Over 0 they are drawn among so many of the likeliest words, in [0, 1,000,000] (of back-
            translation).
        tag: What stands in front of an input that was made up, so that it can be told from a real one (of back-
            translation).
        top_layers: `all`, or how many of the top layers move, at least 1 (of bi-encoder, contrastive).
        scale: What cosines are multiplied by in the loss, in (0, 1000] (of bi-encoder).
        symmetric: Let passages pick their question too (of bi-encoder).
        negatives: Passages that do not answer (of bi-encoder).
        per_question: Negatives of each question beside those of its batch, in [1, 32], where they are `mined` or by
            `bm25` (of bi-encoder).
        margin: By how much the cosine of a mined negative is lower than that of the right passage, in [0, 2] (of
            bi-encoder).
        widths: Lengths of vectors that are learnt to do alone too, such as 192 and 96 (Kusupati et al (of bi-
            encoder).
        width: Numbers of a vector that are kept, at least 1 (of bi-encoder).
        int8: Keep vectors of passages to one byte a number (of bi-encoder).
        vector_tokens: Tokens of a stretch of a passage that has a vector of its own, the best of which counts, at
            least 2, or 0 for one vector of the whole passage (of bi-encoder).
        stemmer: Whose endings are cut off words (Snowball), or `none` (of bm25).
        k1: How soon more of the same word count for less, in [0, 100] (of bm25).
        b: How much the length of a passage is held against it, in [0, 1] (of bm25).
        loss: `supervised` (of contrastive).
        temperature: What cosines are divided by in the supervised loss, in (0, 10] (of contrastive).
        updates: Updates where `training.epochs` is not given, at least 1 (of contrastive).
        label_names: Learn from the labels' own words too, as three more texts per label (of contrastive, feature-
            extraction).
        C: Inverse strength of regularisation, in [1e-15, 1e15] (of contrastive, coral, feature-extraction, tf-idf).
        layers: States read side by side, 0 for the embeddings up to the number of layers (of coral, feature-
            extraction, fine-tuning, multi-task).
        pooling: How tokens become one vector (of coral, feature-extraction).
        regularisation: Added to the variance of every (standardised) feature before whitening and colouring, in
            [1e-15, 1e15] (of coral).
        match_means: Align the means of the features too, for a target domain in which labels are as frequent as in
            training (of coral).
        variance: Inverse strength of the L2 penalty on weights, over 0 (of crf, word-overlap).
        teacher_model: The model that an endpoint is asked for, where the teacher is the address of one (of
            distillation).
        key_file: A file that holds the endpoint's key and nothing else (of distillation).
        key_env: An environment variable that holds the endpoint's key (of distillation).
        allow_remote: Let texts leave this machine (of distillation).
        max_requests: Requests at most, tries that fail and those before an interruption included (of distillation).
        max_total_tokens: Tokens at most that an endpoint reads and writes together (of distillation).
        max_cost: What all requests may cost at most, in the currency of the prices, over 0 (of distillation).
        price_in: Price of a million tokens that an endpoint reads, at least 0 (of distillation).
        price_out: Price of a million tokens that an endpoint writes, at least 0 (of distillation).
        request_rate: Requests per minute at most, over 0 (of distillation).
        concurrency: Requests that are under way at the same time, in [1, 64] (of distillation).
        request_timeout: Seconds that one request may take, in (0, 3600] (of distillation).
        answer_deadline: Seconds that one answer may take with all its requests and the pauses between them, in (0,
            86400] (of distillation).
        teacher_template: What an endpoint is asked about each text, with `{text}`, or `{first}` and `{second}` of
            pairs, and `{labels}` for their words (of distillation).
        teacher_instruction: What stands in front of everything that an endpoint is asked (of distillation).
        teacher_words: Words that stand for labels where an endpoint is asked (of distillation).
        teacher: What teaches (of distillation, margin-mse).
        student: Strategy that trains the student, by name (of distillation).
        student_layers: Layers of the student (of distillation).
        student_start: Network whose layers these are (of distillation).
        distillation_temperature: Temperature that both distributions are softened by, in (0, 100] (of
            distillation).
        mix: Share of the loss on true labels, in [0, 1] (of distillation).
        ask: Texts of `--target` that the teacher is asked about at most (of distillation).
        ask_by: How these are chosen (of distillation).
        teacher_gate: Keep what was taught only if validation gains by it (of distillation).
        gate: Keep what was added only if validation bears it out (of domain-adaptation, intermediate-task, weight-
            averaging).
        gate_seeds: Fits with and without that the gate compares, each pair with a seed of its own, in [1, 20] (of
            domain-adaptation, intermediate-task).
        gate_folds: Folds of cross-validation on the training rows that the gate judges by, in [2, 20] (of domain-
            adaptation, intermediate-task).
        texts: Raw text of the domain (of domain-adaptation).
        own_texts: Learn from the training rows' texts too, and from those of the target domain where there are any
            (of domain-adaptation).
        objective: `masked-lm`, `causal-lm` or `simcse` (of domain-adaptation).
        text_updates: Steps of the optimiser on raw text, at least 1 (of domain-adaptation).
        text_learning_rate: Highest learning rate on raw text, in (0, 1] (of domain-adaptation).
        text_batch: Tokens per update on raw text, at least 8 (of domain-adaptation).
        text_l2_sp: Pull towards the weights before, against forgetting, at least 0 (L2-SP (of domain-adaptation).
        head: What the head reads (of fine-tuning, lora, multi-task).
        head_first: Solve the head on frozen features before anything moves (of fine-tuning, lora, multi-task).
        layer_decay: Share of the learning rate that the next lower layer gets, in (0, 1] (of fine-tuning, multi-
            task).
        unfreezing: `gradual` thaws one more layer every epoch, from the top (Howard & Ruder 2018, section 3.3) (of
            fine-tuning).
        embeddings: Train the word embeddings too (of fine-tuning).
        dropout: Share of the head's inputs dropped in training, in [0, 1) (of fine-tuning, lora, multi-task).
        hidden_dropout: Share of the states dropped within the network in training, in [0, 1), or `own` (of fine-
            tuning, warm-start).
        prefix: What stands in front of each text that is read, of tasks that write (of fine-tuning, lora,
            untouched).
        label_smoothing: Share of the probability that is wanted of all words alike (Szegedy et al (of fine-tuning,
            lora, warm-start).
        word_dropout: Share of the words of a text that are hidden while what is written for it is learnt, in [0, 1)
            (of fine-tuning, lora, warm-start).
        rates: Learning rates tried, each in (0, 1] (of from-scratch).
        passes: Passes over the training rows, in [1, 1000] (of from-scratch).
        compare_after: Passes after which the rates are compared and only the best one goes on, in [1, 1000] (of
            from-scratch).
        like: Strategy whose network gets random weights, of tasks that write (of from-scratch).
        of: Strategy that gives the vectors (of hybrid).
        dense_weight: Weight of vectors beside words, in [0, 1] (of hybrid).
        stone: Name of the task that is learnt first, that of its file without the ending, or `none` (of
            intermediate-task).
        stone_epochs: Epochs on the other task, in [1, 100] (of intermediate-task).
        stone_rows: Rows of the other task that are learnt from at most, drawn at random, in [16, 1,000,000] (of
            intermediate-task).
        probe_rows: Rows of each other task that the probe learns from for one epoch, where there are several, in
            [16, 100,000] (of intermediate-task).
        alignment_iterations: Rounds of expectation and maximisation, in [1, 100] (of lexicon).
        rank: Rank of the correction, in [1, 1024] (of lora).
        alpha: The correction is scaled by alpha / rank (of lora).
        targets: Ends of the names of modules that get a correction, such as `query,value` (of lora).
        adapter_dropout: Share of the correction's inputs dropped in training, in [0, 1) (of lora).
        candidates: Passages of each question that the teacher scores, in [2, 100] (of margin-mse).
        teacher_scale: What differences of cosines are multiplied by to be compared with the teacher's, in (0, 1000]
            (of margin-mse).
        student_epochs: Passes over all questions, in [1, 100], in place of `--epochs`, which are those of the
            strategies inside (of margin-mse).
        student_learning_rate: The highest learning rate of the bi-encoder, in (0, 1], in place of `--learning-rate`
            (of margin-mse).
        student_stop_after: Epoch after which it ends though the schedule goes on, at least 0 (of margin-mse).
        sampling_power: Power of a task's size by which tasks are sampled, in [0, 1] (of multi-task).
        most_passes: Passes over the rows of a task in an epoch at most, in [1, 1000] (of multi-task).
        weighting: How losses are weighed against each other (of multi-task).
        loss_weights: Factors of the losses by task, each over 0 (of multi-task).
        conflicts: What is done about gradients that pull apart (of multi-task).
        focus: Task by whose validation rows the best epoch is chosen and training is ended (of multi-task).
        single_runs: Train each task alone too, with as many passes over its rows, so that gain and harm are seen
            (of multi-task).
        shots: Examples with their answers in front of each text, in [0, 100] (of prompting).
        shot_selection: Which training rows `shots` are (of prompting).
        prompt_template: What is asked, with `{text}`, or `{first}` and `{second}` of pairs, and `{labels}` for
            their words (of prompting).
        chat: Ask as in a conversation, by the network's own chat template (of prompting).
        instruction: In front of examples and text (of prompting).
        verbalizer: Words that stand for labels (Schick and Schütze 2021, section 3) (of prompting).
        calibration: What is taken away from scores (of prompting).
        length_normalised: Means over the tokens of a label's words in place of sums (of prompting).
        expected_labels: Labels that a text has on average where it may have several, or spans of words where these
            are tagged, over 0 (of prompting, zero-shot).
        retriever: Strategy that finds the passages (of rerank).
        depth: Passages of each question that are read, in [2, 100] (of rerank).
        interaction: How question and passage meet (of rerank).
        hard_negatives: Passages that the first retriever finds and that do not answer, beside the one that does, in
            training, in [1, 32] (of rerank).
        rerank_weight: Weight of the second score beside that of the first retriever, in [0, 1] (of rerank).
        rerank_epochs: Passes over the training questions, in [1, 100], in place of `--epochs`, which are those of
            the strategy inside (of rerank).
        rerank_learning_rate: The highest learning rate of what reads again, in (0, 1], in place of `--learning-
            rate` (of rerank).
        rerank_stop_after: Epoch after which it ends though the schedule goes on, at least 0 (of rerank).
        rounds: Times that texts are labelled and learnt from, in [0, 20] (of self-training).
        confidence: Calibrated probability from which on a label is believed, in (0, 1] (of self-training).
        pseudo_weight: How much a text labelled by the model counts beside 1 of a labelled row, in (0, 100] (of
            self-training).
        decoder: Which network writes (of warm-start).
        decoder_layers: Layers of a new decoder, in [1, 100], each as wide as those of the encoder (of warm-start).
        target_vocabulary: Words that a new decoder writes at most, in [300, 250,000] (of warm-start).
        encoder_rate: Share of the learning rate that pretrained weights get, in [0, 1] (of warm-start).
        average: `soup`, the mean of trainings under several seeds, or `wise`, a point between the start and the end
            of one training (of weight-averaging).
        members: Trainings that a soup is made of, under the run's seed and those after it, in [1, 20] (of weight-
            averaging).
        member_seeds: Seeds of the trainings that a soup is made of, each in [0, 2^32) (of weight-averaging).
        member_runs: Folders of finished runs whose networks the soup is made of, 2 to 20 of them (of weight-
            averaging).
        greedy: Take into the soup only networks that make it no worse on validation, the best one first (of weight-
            averaging).
        end_share: Share of the end of training on the line from the start to it, in [0, 1] (the alpha of WiSE-FT)
            (of weight-averaging).
        descriptions: Words that stand for labels, such as `{pos (of zero-shot).
        describe: File with such words (of zero-shot).
        clusters: Whether clusters of the training texts that begin at the names take their place (of zero-shot).
        entailment: Folder of a run for pairs of texts with labels such as entailment, which is asked about each
            label in place of the backbone (Yin et al (of zero-shot).
        entailment_label: Label of that run that says that the first text entails the second (of zero-shot).
        hypothesis_template: Sentence about a label that a text may entail, with `{label}` for its words (of zero-
            shot).
        embedding_backbone: Encoder beside a decoder (of zero-shot).
        training: Settings of the training loop, as a mapping of its keys.
    """

def fit_tasks(
    tasks: str | Path | Mapping[str,
    Mapping[str,
    Any]],
    *,
    progress: Progress = ...,
    strategy: StrategyName | str | Keys | None = ...,
    task: TaskName | str | Keys | None = ...,
    strategies: str | Sequence[StrategyName | str | Keys] | None = ...,
    budget: float | Literal["auto"] | str | None = ...,
    refit: bool | None = ...,
    controls: bool | None = ...,
    seed: int | None = ...,
    threads: int | None = ...,
    device: Literal["auto", "cpu", "cuda"] | None = ...,
    precision: Literal["auto", "bfloat16", "float32"] | None = ...,
    cache: bool | None = ...,
    output: str | None = ...,
    overwrite: bool | None = ...,
    rows: bool | None = ...,
    abstain: float | None = ...,
    prediction_sets: float | None = ...,
    out_of_scope: bool | None = ...,
    measure: str | Sequence[str | Keys] | None = ...,
    format: Literal["conll", "conllu", "csv", "tsv", "jsonl", "parquet", "tmx"] | None = ...,
    encoding: str | None = ...,
    delimiter: str | None = ...,
    header: bool | None = ...,
    test: str | None = ...,
    validation: str | None = ...,
    target: str | None = ...,
    target_test: str | None = ...,
    tests: Mapping[str, str] | str | None = ...,
    translations: str | None = ...,
    counterfactuals: str | None = ...,
    typo_copies: str | None = ...,
    typo_rate: float | None = ...,
    copies: int | None = ...,
    balance_groups: str | None = ...,
    auxiliary: str | Sequence[str | Keys] | None = ...,
    corpus: str | None = ...,
    out_of_scope_label: str | None = ...,
    group_column: str | None = ...,
    time_column: str | None = ...,
    test_share: float | None = ...,
    validation_share: float | None = ...,
    most_rows: int | None = ...,
    train_rows: int | None = ...,
    draw: int | None = ...,
    test_seed: int | None = ...,
    most_test_rows: int | None = ...,
    folds: int | None = ...,
    backbone: str | Keys | None = ...,
    revision: str | None = ...,
    max_length: int | None = ...,
    epochs: int | None = ...,
    learning_rate: float | None = ...,
    batch_size: int | None = ...,
    warmup: float | None = ...,
    weight_decay: float | None = ...,
    max_grad_norm: float | None = ...,
    patience: int | None = ...,
    stop_after: int | None = ...,
    sample: int | None = ...,
    checkpoint_every: float | str | None = ...,
    text: Sequence[str] | str | None = ...,
    label: str | None = ...,
    labels: Sequence[str] | str | None = ...,
    metric: str | None = ...,
    beams: int | None = ...,
    length_penalty: float | None = ...,
    longest: float | None = ...,
    max_new_tokens: int | None = ...,
    sampling_temperature: float | None = ...,
    top_k: int | None = ...,
    top_p: float | None = ...,
    sampling_seed: int | None = ...,
    no_repeat_ngram: int | None = ...,
    template: Literal["own", "chatml", "plain"] | None = ...,
    best: int | None = ...,
    reference: Sequence[str] | str | None = ...,
    source_language: str | None = ...,
    target_language: str | None = ...,
    mask_terms: Mapping[str, Sequence[str]] | None = ...,
    mask_word: str | None = ...,
    weight: str | None = ...,
    class_weight: Literal["balanced"] | Mapping[str, float] | None = ...,
    merge_labels: bool | None = ...,
    drop_rare_labels: bool | None = ...,
    long: Literal["truncate", "window"] | None = ...,
    separator: Literal["json", "|", ";", ",", "#", "newline", "space"] | None = ...,
    answer_start: str | None = ...,
    no_answer: Literal["auto", "always", "never"] | None = ...,
    max_answer: int | None = ...,
    normalise: Literal["squad", "mlqa"] | None = ...,
    answer_language: Literal["ar", "de", "en", "es", "hi", "vi", "zh"] | None = ...,
    turns: int | None = ...,
    reply_role: Literal["any", "assistant"] | None = ...,
    passage_id: str | None = ...,
    grade: str | None = ...,
    encoder: Literal["bi", "cross"] | None = ...,
    scheme: Literal["iob1", "iob2", "bioes", "plain"] | None = ...,
    crf: bool | None = ...,
    then: StrategyName | str | Keys | None = ...,
    back_epochs: int | None = ...,
    back_temperature: float | None = ...,
    back_top_k: int | None = ...,
    tag: str | None = ...,
    top_layers: Literal["all"] | int | None = ...,
    scale: float | None = ...,
    symmetric: bool | None = ...,
    negatives: Literal["near", "mined", "bm25", "in-batch"] | None = ...,
    per_question: int | None = ...,
    margin: float | None = ...,
    widths: Sequence[int] | int | None = ...,
    width: int | None = ...,
    int8: bool | None = ...,
    vector_tokens: int | None = ...,
    stemmer: str | None = ...,
    k1: float | None = ...,
    b: float | None = ...,
    loss: Literal["supervised", "pairs"] | None = ...,
    temperature: float | None = ...,
    updates: int | None = ...,
    label_names: bool | None = ...,
    C: float | None = ...,
    layers: Sequence[int] | int | Literal["all"] | None = ...,
    pooling: Literal["first", "mean", "last"] | None = ...,
    regularisation: float | None = ...,
    match_means: bool | None = ...,
    variance: float | None = ...,
    teacher_model: str | None = ...,
    key_file: str | None = ...,
    key_env: str | None = ...,
    allow_remote: bool | None = ...,
    max_requests: int | None = ...,
    max_total_tokens: int | None = ...,
    max_cost: float | None = ...,
    price_in: float | None = ...,
    price_out: float | None = ...,
    request_rate: float | None = ...,
    concurrency: int | None = ...,
    request_timeout: float | str | None = ...,
    answer_deadline: float | str | None = ...,
    teacher_template: str | None = ...,
    teacher_instruction: str | None = ...,
    teacher_words: Mapping[str, str] | str | None = ...,
    teacher: Sequence[str] | str | Keys | None = ...,
    student: str | Keys | None = ...,
    student_layers: int | Sequence[int] | None = ...,
    student_start: Literal["teacher", "backbone"] | None = ...,
    distillation_temperature: float | None = ...,
    mix: float | None = ...,
    ask: int | None = ...,
    ask_by: Literal["random", "uncertainty", "diversity"] | None = ...,
    teacher_gate: bool | None = ...,
    gate: bool | None = ...,
    gate_seeds: int | None = ...,
    gate_folds: int | None = ...,
    texts: Sequence[str] | str | None = ...,
    own_texts: bool | None = ...,
    objective: ObjectiveName | str | Keys | None = ...,
    text_updates: int | None = ...,
    text_learning_rate: float | None = ...,
    text_batch: int | None = ...,
    text_l2_sp: float | None = ...,
    head: Literal["auto", "native", "mean"] | None = ...,
    head_first: bool | None = ...,
    layer_decay: float | None = ...,
    unfreezing: Literal["at-once", "gradual"] | None = ...,
    embeddings: bool | None = ...,
    dropout: float | None = ...,
    hidden_dropout: Literal["own"] | float | None = ...,
    prefix: str | None = ...,
    label_smoothing: float | None = ...,
    word_dropout: float | None = ...,
    rates: Sequence[float] | float | None = ...,
    passes: int | None = ...,
    compare_after: int | None = ...,
    like: str | Keys | None = ...,
    of: str | Keys | None = ...,
    dense_weight: float | None = ...,
    stone: str | None = ...,
    stone_epochs: int | None = ...,
    stone_rows: int | None = ...,
    probe_rows: int | None = ...,
    alignment_iterations: int | None = ...,
    rank: int | None = ...,
    alpha: float | None = ...,
    targets: Sequence[str] | str | None = ...,
    adapter_dropout: float | None = ...,
    candidates: int | None = ...,
    teacher_scale: float | None = ...,
    student_epochs: int | None = ...,
    student_learning_rate: float | None = ...,
    student_stop_after: int | None = ...,
    sampling_power: float | None = ...,
    most_passes: float | None = ...,
    weighting: Literal["fixed", "uncertainty"] | None = ...,
    loss_weights: Mapping[str, float] | None = ...,
    conflicts: Literal["measure", "project", "ignore"] | None = ...,
    focus: str | None = ...,
    single_runs: bool | None = ...,
    shots: int | None = ...,
    shot_selection: Literal["balanced", "random", "nearest"] | None = ...,
    prompt_template: str | None = ...,
    chat: bool | None = ...,
    instruction: str | None = ...,
    verbalizer: Mapping[str, str] | str | None = ...,
    calibration: Literal["none", "contextual", "batch", "domain-conditional"] | None = ...,
    length_normalised: bool | None = ...,
    expected_labels: float | None = ...,
    retriever: str | Keys | None = ...,
    depth: int | None = ...,
    interaction: Literal["late", "cross"] | None = ...,
    hard_negatives: int | None = ...,
    rerank_weight: float | None = ...,
    rerank_epochs: int | None = ...,
    rerank_learning_rate: float | None = ...,
    rerank_stop_after: int | None = ...,
    rounds: int | None = ...,
    confidence: float | None = ...,
    pseudo_weight: float | None = ...,
    decoder: str | None = ...,
    decoder_layers: int | None = ...,
    target_vocabulary: int | None = ...,
    encoder_rate: float | None = ...,
    average: Literal["soup", "wise"] | None = ...,
    members: int | None = ...,
    member_seeds: Sequence[int] | int | None = ...,
    member_runs: Sequence[str] | str | None = ...,
    greedy: bool | None = ...,
    end_share: float | None = ...,
    descriptions: Mapping[str, str] | str | None = ...,
    describe: str | None = ...,
    clusters: bool | None = ...,
    entailment: str | None = ...,
    entailment_label: str | None = ...,
    hypothesis_template: str | None = ...,
    embedding_backbone: str | None = ...,
    training: Keys | None = ...,
) -> MultiTaskModel:
    """Several tasks learnt together by one network, each scored beside a run of its own; options as for `fit`.
    """

def extract(
    model: str | Path,
    task: str,
    *,
    progress: Progress = ...,
    output: str | None = ...,
    overwrite: bool | None = ...,
) -> Artifact:
    """One task of a run that learnt several, as a model of its own.

    Options are those of `headstart extract --help-all`; `headstart explain NAME` tells all of one.

    Args:
        progress: Told what happens; silent by default.
        output: Folder to write.
        overwrite: Replace what an earlier run wrote there.
    """

def compare(
    data: TableLike,
    *,
    progress: Progress = ...,
    task: TaskName | str | Keys | None = ...,
    strategies: str | Sequence[StrategyName | str | Keys] | None = ...,
    budget: float | Literal["auto"] | str | None = ...,
    refit: bool | None = ...,
    controls: bool | None = ...,
    seed: int | None = ...,
    threads: int | None = ...,
    device: Literal["auto", "cpu", "cuda"] | None = ...,
    precision: Literal["auto", "bfloat16", "float32"] | None = ...,
    cache: bool | None = ...,
    output: str | None = ...,
    overwrite: bool | None = ...,
    rows: bool | None = ...,
    abstain: float | None = ...,
    prediction_sets: float | None = ...,
    out_of_scope: bool | None = ...,
    measure: str | Sequence[str | Keys] | None = ...,
    seeds: Sequence[int] | int | None = ...,
    backbones: str | Sequence[str | Keys] | None = ...,
    workers: int | None = ...,
    halving: bool | None = ...,
    format: Literal["conll", "conllu", "csv", "tsv", "jsonl", "parquet", "tmx"] | None = ...,
    encoding: str | None = ...,
    delimiter: str | None = ...,
    header: bool | None = ...,
    test: str | None = ...,
    validation: str | None = ...,
    target: str | None = ...,
    target_test: str | None = ...,
    tests: Mapping[str, str] | str | None = ...,
    translations: str | None = ...,
    counterfactuals: str | None = ...,
    typo_copies: str | None = ...,
    typo_rate: float | None = ...,
    copies: int | None = ...,
    balance_groups: str | None = ...,
    auxiliary: str | Sequence[str | Keys] | None = ...,
    corpus: str | None = ...,
    out_of_scope_label: str | None = ...,
    group_column: str | None = ...,
    time_column: str | None = ...,
    test_share: float | None = ...,
    validation_share: float | None = ...,
    most_rows: int | None = ...,
    train_rows: int | None = ...,
    draw: int | None = ...,
    test_seed: int | None = ...,
    most_test_rows: int | None = ...,
    folds: int | None = ...,
    backbone: str | Keys | None = ...,
    revision: str | None = ...,
    max_length: int | None = ...,
    epochs: int | None = ...,
    learning_rate: float | None = ...,
    batch_size: int | None = ...,
    warmup: float | None = ...,
    weight_decay: float | None = ...,
    max_grad_norm: float | None = ...,
    patience: int | None = ...,
    stop_after: int | None = ...,
    sample: int | None = ...,
    checkpoint_every: float | str | None = ...,
    text: Sequence[str] | str | None = ...,
    label: str | None = ...,
    labels: Sequence[str] | str | None = ...,
    metric: str | None = ...,
    beams: int | None = ...,
    length_penalty: float | None = ...,
    longest: float | None = ...,
    max_new_tokens: int | None = ...,
    sampling_temperature: float | None = ...,
    top_k: int | None = ...,
    top_p: float | None = ...,
    sampling_seed: int | None = ...,
    no_repeat_ngram: int | None = ...,
    template: Literal["own", "chatml", "plain"] | None = ...,
    best: int | None = ...,
    reference: Sequence[str] | str | None = ...,
    source_language: str | None = ...,
    target_language: str | None = ...,
    mask_terms: Mapping[str, Sequence[str]] | None = ...,
    mask_word: str | None = ...,
    weight: str | None = ...,
    class_weight: Literal["balanced"] | Mapping[str, float] | None = ...,
    merge_labels: bool | None = ...,
    drop_rare_labels: bool | None = ...,
    long: Literal["truncate", "window"] | None = ...,
    separator: Literal["json", "|", ";", ",", "#", "newline", "space"] | None = ...,
    answer_start: str | None = ...,
    no_answer: Literal["auto", "always", "never"] | None = ...,
    max_answer: int | None = ...,
    normalise: Literal["squad", "mlqa"] | None = ...,
    answer_language: Literal["ar", "de", "en", "es", "hi", "vi", "zh"] | None = ...,
    turns: int | None = ...,
    reply_role: Literal["any", "assistant"] | None = ...,
    passage_id: str | None = ...,
    grade: str | None = ...,
    encoder: Literal["bi", "cross"] | None = ...,
    scheme: Literal["iob1", "iob2", "bioes", "plain"] | None = ...,
    crf: bool | None = ...,
    then: StrategyName | str | Keys | None = ...,
    back_epochs: int | None = ...,
    back_temperature: float | None = ...,
    back_top_k: int | None = ...,
    tag: str | None = ...,
    top_layers: Literal["all"] | int | None = ...,
    scale: float | None = ...,
    symmetric: bool | None = ...,
    negatives: Literal["near", "mined", "bm25", "in-batch"] | None = ...,
    per_question: int | None = ...,
    margin: float | None = ...,
    widths: Sequence[int] | int | None = ...,
    width: int | None = ...,
    int8: bool | None = ...,
    vector_tokens: int | None = ...,
    stemmer: str | None = ...,
    k1: float | None = ...,
    b: float | None = ...,
    loss: Literal["supervised", "pairs"] | None = ...,
    temperature: float | None = ...,
    updates: int | None = ...,
    label_names: bool | None = ...,
    C: float | None = ...,
    layers: Sequence[int] | int | Literal["all"] | None = ...,
    pooling: Literal["first", "mean", "last"] | None = ...,
    regularisation: float | None = ...,
    match_means: bool | None = ...,
    variance: float | None = ...,
    teacher_model: str | None = ...,
    key_file: str | None = ...,
    key_env: str | None = ...,
    allow_remote: bool | None = ...,
    max_requests: int | None = ...,
    max_total_tokens: int | None = ...,
    max_cost: float | None = ...,
    price_in: float | None = ...,
    price_out: float | None = ...,
    request_rate: float | None = ...,
    concurrency: int | None = ...,
    request_timeout: float | str | None = ...,
    answer_deadline: float | str | None = ...,
    teacher_template: str | None = ...,
    teacher_instruction: str | None = ...,
    teacher_words: Mapping[str, str] | str | None = ...,
    teacher: Sequence[str] | str | Keys | None = ...,
    student: str | Keys | None = ...,
    student_layers: int | Sequence[int] | None = ...,
    student_start: Literal["teacher", "backbone"] | None = ...,
    distillation_temperature: float | None = ...,
    mix: float | None = ...,
    ask: int | None = ...,
    ask_by: Literal["random", "uncertainty", "diversity"] | None = ...,
    teacher_gate: bool | None = ...,
    gate: bool | None = ...,
    gate_seeds: int | None = ...,
    gate_folds: int | None = ...,
    texts: Sequence[str] | str | None = ...,
    own_texts: bool | None = ...,
    objective: ObjectiveName | str | Keys | None = ...,
    text_updates: int | None = ...,
    text_learning_rate: float | None = ...,
    text_batch: int | None = ...,
    text_l2_sp: float | None = ...,
    head: Literal["auto", "native", "mean"] | None = ...,
    head_first: bool | None = ...,
    layer_decay: float | None = ...,
    unfreezing: Literal["at-once", "gradual"] | None = ...,
    embeddings: bool | None = ...,
    dropout: float | None = ...,
    hidden_dropout: Literal["own"] | float | None = ...,
    prefix: str | None = ...,
    label_smoothing: float | None = ...,
    word_dropout: float | None = ...,
    rates: Sequence[float] | float | None = ...,
    passes: int | None = ...,
    compare_after: int | None = ...,
    like: str | Keys | None = ...,
    of: str | Keys | None = ...,
    dense_weight: float | None = ...,
    stone: str | None = ...,
    stone_epochs: int | None = ...,
    stone_rows: int | None = ...,
    probe_rows: int | None = ...,
    alignment_iterations: int | None = ...,
    rank: int | None = ...,
    alpha: float | None = ...,
    targets: Sequence[str] | str | None = ...,
    adapter_dropout: float | None = ...,
    candidates: int | None = ...,
    teacher_scale: float | None = ...,
    student_epochs: int | None = ...,
    student_learning_rate: float | None = ...,
    student_stop_after: int | None = ...,
    sampling_power: float | None = ...,
    most_passes: float | None = ...,
    weighting: Literal["fixed", "uncertainty"] | None = ...,
    loss_weights: Mapping[str, float] | None = ...,
    conflicts: Literal["measure", "project", "ignore"] | None = ...,
    focus: str | None = ...,
    single_runs: bool | None = ...,
    shots: int | None = ...,
    shot_selection: Literal["balanced", "random", "nearest"] | None = ...,
    prompt_template: str | None = ...,
    chat: bool | None = ...,
    instruction: str | None = ...,
    verbalizer: Mapping[str, str] | str | None = ...,
    calibration: Literal["none", "contextual", "batch", "domain-conditional"] | None = ...,
    length_normalised: bool | None = ...,
    expected_labels: float | None = ...,
    retriever: str | Keys | None = ...,
    depth: int | None = ...,
    interaction: Literal["late", "cross"] | None = ...,
    hard_negatives: int | None = ...,
    rerank_weight: float | None = ...,
    rerank_epochs: int | None = ...,
    rerank_learning_rate: float | None = ...,
    rerank_stop_after: int | None = ...,
    rounds: int | None = ...,
    confidence: float | None = ...,
    pseudo_weight: float | None = ...,
    decoder: str | None = ...,
    decoder_layers: int | None = ...,
    target_vocabulary: int | None = ...,
    encoder_rate: float | None = ...,
    average: Literal["soup", "wise"] | None = ...,
    members: int | None = ...,
    member_seeds: Sequence[int] | int | None = ...,
    member_runs: Sequence[str] | str | None = ...,
    greedy: bool | None = ...,
    end_share: float | None = ...,
    descriptions: Mapping[str, str] | str | None = ...,
    describe: str | None = ...,
    clusters: bool | None = ...,
    entailment: str | None = ...,
    entailment_label: str | None = ...,
    hypothesis_template: str | None = ...,
    embedding_backbone: str | None = ...,
    training: Keys | None = ...,
) -> Artifact:
    """Run strategies and controls side by side; options as for `fit`.
    """

def tune(
    data: TableLike,
    *,
    progress: Progress = ...,
    strategy: StrategyName | str | Keys | None = ...,
    task: TaskName | str | Keys | None = ...,
    strategies: str | Sequence[StrategyName | str | Keys] | None = ...,
    budget: float | Literal["auto"] | str | None = ...,
    refit: bool | None = ...,
    controls: bool | None = ...,
    seed: int | None = ...,
    threads: int | None = ...,
    device: Literal["auto", "cpu", "cuda"] | None = ...,
    precision: Literal["auto", "bfloat16", "float32"] | None = ...,
    cache: bool | None = ...,
    output: str | None = ...,
    overwrite: bool | None = ...,
    rows: bool | None = ...,
    abstain: float | None = ...,
    prediction_sets: float | None = ...,
    out_of_scope: bool | None = ...,
    measure: str | Sequence[str | Keys] | None = ...,
    trials: int | None = ...,
    space: Mapping[str, Keys] | None = ...,
    prune: bool | None = ...,
    format: Literal["conll", "conllu", "csv", "tsv", "jsonl", "parquet", "tmx"] | None = ...,
    encoding: str | None = ...,
    delimiter: str | None = ...,
    header: bool | None = ...,
    test: str | None = ...,
    validation: str | None = ...,
    target: str | None = ...,
    target_test: str | None = ...,
    tests: Mapping[str, str] | str | None = ...,
    translations: str | None = ...,
    counterfactuals: str | None = ...,
    typo_copies: str | None = ...,
    typo_rate: float | None = ...,
    copies: int | None = ...,
    balance_groups: str | None = ...,
    auxiliary: str | Sequence[str | Keys] | None = ...,
    corpus: str | None = ...,
    out_of_scope_label: str | None = ...,
    group_column: str | None = ...,
    time_column: str | None = ...,
    test_share: float | None = ...,
    validation_share: float | None = ...,
    most_rows: int | None = ...,
    train_rows: int | None = ...,
    draw: int | None = ...,
    test_seed: int | None = ...,
    most_test_rows: int | None = ...,
    folds: int | None = ...,
    backbone: str | Keys | None = ...,
    revision: str | None = ...,
    max_length: int | None = ...,
    epochs: int | None = ...,
    learning_rate: float | None = ...,
    batch_size: int | None = ...,
    warmup: float | None = ...,
    weight_decay: float | None = ...,
    max_grad_norm: float | None = ...,
    patience: int | None = ...,
    stop_after: int | None = ...,
    sample: int | None = ...,
    checkpoint_every: float | str | None = ...,
    text: Sequence[str] | str | None = ...,
    label: str | None = ...,
    labels: Sequence[str] | str | None = ...,
    metric: str | None = ...,
    beams: int | None = ...,
    length_penalty: float | None = ...,
    longest: float | None = ...,
    max_new_tokens: int | None = ...,
    sampling_temperature: float | None = ...,
    top_k: int | None = ...,
    top_p: float | None = ...,
    sampling_seed: int | None = ...,
    no_repeat_ngram: int | None = ...,
    template: Literal["own", "chatml", "plain"] | None = ...,
    best: int | None = ...,
    reference: Sequence[str] | str | None = ...,
    source_language: str | None = ...,
    target_language: str | None = ...,
    mask_terms: Mapping[str, Sequence[str]] | None = ...,
    mask_word: str | None = ...,
    weight: str | None = ...,
    class_weight: Literal["balanced"] | Mapping[str, float] | None = ...,
    merge_labels: bool | None = ...,
    drop_rare_labels: bool | None = ...,
    long: Literal["truncate", "window"] | None = ...,
    separator: Literal["json", "|", ";", ",", "#", "newline", "space"] | None = ...,
    answer_start: str | None = ...,
    no_answer: Literal["auto", "always", "never"] | None = ...,
    max_answer: int | None = ...,
    normalise: Literal["squad", "mlqa"] | None = ...,
    answer_language: Literal["ar", "de", "en", "es", "hi", "vi", "zh"] | None = ...,
    turns: int | None = ...,
    reply_role: Literal["any", "assistant"] | None = ...,
    passage_id: str | None = ...,
    grade: str | None = ...,
    encoder: Literal["bi", "cross"] | None = ...,
    scheme: Literal["iob1", "iob2", "bioes", "plain"] | None = ...,
    crf: bool | None = ...,
    then: StrategyName | str | Keys | None = ...,
    back_epochs: int | None = ...,
    back_temperature: float | None = ...,
    back_top_k: int | None = ...,
    tag: str | None = ...,
    top_layers: Literal["all"] | int | None = ...,
    scale: float | None = ...,
    symmetric: bool | None = ...,
    negatives: Literal["near", "mined", "bm25", "in-batch"] | None = ...,
    per_question: int | None = ...,
    margin: float | None = ...,
    widths: Sequence[int] | int | None = ...,
    width: int | None = ...,
    int8: bool | None = ...,
    vector_tokens: int | None = ...,
    stemmer: str | None = ...,
    k1: float | None = ...,
    b: float | None = ...,
    loss: Literal["supervised", "pairs"] | None = ...,
    temperature: float | None = ...,
    updates: int | None = ...,
    label_names: bool | None = ...,
    C: float | None = ...,
    layers: Sequence[int] | int | Literal["all"] | None = ...,
    pooling: Literal["first", "mean", "last"] | None = ...,
    regularisation: float | None = ...,
    match_means: bool | None = ...,
    variance: float | None = ...,
    teacher_model: str | None = ...,
    key_file: str | None = ...,
    key_env: str | None = ...,
    allow_remote: bool | None = ...,
    max_requests: int | None = ...,
    max_total_tokens: int | None = ...,
    max_cost: float | None = ...,
    price_in: float | None = ...,
    price_out: float | None = ...,
    request_rate: float | None = ...,
    concurrency: int | None = ...,
    request_timeout: float | str | None = ...,
    answer_deadline: float | str | None = ...,
    teacher_template: str | None = ...,
    teacher_instruction: str | None = ...,
    teacher_words: Mapping[str, str] | str | None = ...,
    teacher: Sequence[str] | str | Keys | None = ...,
    student: str | Keys | None = ...,
    student_layers: int | Sequence[int] | None = ...,
    student_start: Literal["teacher", "backbone"] | None = ...,
    distillation_temperature: float | None = ...,
    mix: float | None = ...,
    ask: int | None = ...,
    ask_by: Literal["random", "uncertainty", "diversity"] | None = ...,
    teacher_gate: bool | None = ...,
    gate: bool | None = ...,
    gate_seeds: int | None = ...,
    gate_folds: int | None = ...,
    texts: Sequence[str] | str | None = ...,
    own_texts: bool | None = ...,
    objective: ObjectiveName | str | Keys | None = ...,
    text_updates: int | None = ...,
    text_learning_rate: float | None = ...,
    text_batch: int | None = ...,
    text_l2_sp: float | None = ...,
    head: Literal["auto", "native", "mean"] | None = ...,
    head_first: bool | None = ...,
    layer_decay: float | None = ...,
    unfreezing: Literal["at-once", "gradual"] | None = ...,
    embeddings: bool | None = ...,
    dropout: float | None = ...,
    hidden_dropout: Literal["own"] | float | None = ...,
    prefix: str | None = ...,
    label_smoothing: float | None = ...,
    word_dropout: float | None = ...,
    rates: Sequence[float] | float | None = ...,
    passes: int | None = ...,
    compare_after: int | None = ...,
    like: str | Keys | None = ...,
    of: str | Keys | None = ...,
    dense_weight: float | None = ...,
    stone: str | None = ...,
    stone_epochs: int | None = ...,
    stone_rows: int | None = ...,
    probe_rows: int | None = ...,
    alignment_iterations: int | None = ...,
    rank: int | None = ...,
    alpha: float | None = ...,
    targets: Sequence[str] | str | None = ...,
    adapter_dropout: float | None = ...,
    candidates: int | None = ...,
    teacher_scale: float | None = ...,
    student_epochs: int | None = ...,
    student_learning_rate: float | None = ...,
    student_stop_after: int | None = ...,
    sampling_power: float | None = ...,
    most_passes: float | None = ...,
    weighting: Literal["fixed", "uncertainty"] | None = ...,
    loss_weights: Mapping[str, float] | None = ...,
    conflicts: Literal["measure", "project", "ignore"] | None = ...,
    focus: str | None = ...,
    single_runs: bool | None = ...,
    shots: int | None = ...,
    shot_selection: Literal["balanced", "random", "nearest"] | None = ...,
    prompt_template: str | None = ...,
    chat: bool | None = ...,
    instruction: str | None = ...,
    verbalizer: Mapping[str, str] | str | None = ...,
    calibration: Literal["none", "contextual", "batch", "domain-conditional"] | None = ...,
    length_normalised: bool | None = ...,
    expected_labels: float | None = ...,
    retriever: str | Keys | None = ...,
    depth: int | None = ...,
    interaction: Literal["late", "cross"] | None = ...,
    hard_negatives: int | None = ...,
    rerank_weight: float | None = ...,
    rerank_epochs: int | None = ...,
    rerank_learning_rate: float | None = ...,
    rerank_stop_after: int | None = ...,
    rounds: int | None = ...,
    confidence: float | None = ...,
    pseudo_weight: float | None = ...,
    decoder: str | None = ...,
    decoder_layers: int | None = ...,
    target_vocabulary: int | None = ...,
    encoder_rate: float | None = ...,
    average: Literal["soup", "wise"] | None = ...,
    members: int | None = ...,
    member_seeds: Sequence[int] | int | None = ...,
    member_runs: Sequence[str] | str | None = ...,
    greedy: bool | None = ...,
    end_share: float | None = ...,
    descriptions: Mapping[str, str] | str | None = ...,
    describe: str | None = ...,
    clusters: bool | None = ...,
    entailment: str | None = ...,
    entailment_label: str | None = ...,
    hypothesis_template: str | None = ...,
    embedding_backbone: str | None = ...,
    training: Keys | None = ...,
) -> Artifact:
    """The settings of one strategy searched by trials; options as for `fit`.
    """

def plan(
    data: TableLike,
    *,
    progress: Progress = ...,
    strategy: StrategyName | str | Keys | None = ...,
    task: TaskName | str | Keys | None = ...,
    strategies: str | Sequence[StrategyName | str | Keys] | None = ...,
    budget: float | Literal["auto"] | str | None = ...,
    refit: bool | None = ...,
    controls: bool | None = ...,
    seed: int | None = ...,
    threads: int | None = ...,
    device: Literal["auto", "cpu", "cuda"] | None = ...,
    precision: Literal["auto", "bfloat16", "float32"] | None = ...,
    cache: bool | None = ...,
    output: str | None = ...,
    overwrite: bool | None = ...,
    rows: bool | None = ...,
    abstain: float | None = ...,
    prediction_sets: float | None = ...,
    out_of_scope: bool | None = ...,
    measure: str | Sequence[str | Keys] | None = ...,
    format: Literal["conll", "conllu", "csv", "tsv", "jsonl", "parquet", "tmx"] | None = ...,
    encoding: str | None = ...,
    delimiter: str | None = ...,
    header: bool | None = ...,
    test: str | None = ...,
    validation: str | None = ...,
    target: str | None = ...,
    target_test: str | None = ...,
    tests: Mapping[str, str] | str | None = ...,
    translations: str | None = ...,
    counterfactuals: str | None = ...,
    typo_copies: str | None = ...,
    typo_rate: float | None = ...,
    copies: int | None = ...,
    balance_groups: str | None = ...,
    auxiliary: str | Sequence[str | Keys] | None = ...,
    corpus: str | None = ...,
    out_of_scope_label: str | None = ...,
    group_column: str | None = ...,
    time_column: str | None = ...,
    test_share: float | None = ...,
    validation_share: float | None = ...,
    most_rows: int | None = ...,
    train_rows: int | None = ...,
    draw: int | None = ...,
    test_seed: int | None = ...,
    most_test_rows: int | None = ...,
    folds: int | None = ...,
    backbone: str | Keys | None = ...,
    revision: str | None = ...,
    max_length: int | None = ...,
    epochs: int | None = ...,
    learning_rate: float | None = ...,
    batch_size: int | None = ...,
    warmup: float | None = ...,
    weight_decay: float | None = ...,
    max_grad_norm: float | None = ...,
    patience: int | None = ...,
    stop_after: int | None = ...,
    sample: int | None = ...,
    checkpoint_every: float | str | None = ...,
    text: Sequence[str] | str | None = ...,
    label: str | None = ...,
    labels: Sequence[str] | str | None = ...,
    metric: str | None = ...,
    beams: int | None = ...,
    length_penalty: float | None = ...,
    longest: float | None = ...,
    max_new_tokens: int | None = ...,
    sampling_temperature: float | None = ...,
    top_k: int | None = ...,
    top_p: float | None = ...,
    sampling_seed: int | None = ...,
    no_repeat_ngram: int | None = ...,
    template: Literal["own", "chatml", "plain"] | None = ...,
    best: int | None = ...,
    reference: Sequence[str] | str | None = ...,
    source_language: str | None = ...,
    target_language: str | None = ...,
    mask_terms: Mapping[str, Sequence[str]] | None = ...,
    mask_word: str | None = ...,
    weight: str | None = ...,
    class_weight: Literal["balanced"] | Mapping[str, float] | None = ...,
    merge_labels: bool | None = ...,
    drop_rare_labels: bool | None = ...,
    long: Literal["truncate", "window"] | None = ...,
    separator: Literal["json", "|", ";", ",", "#", "newline", "space"] | None = ...,
    answer_start: str | None = ...,
    no_answer: Literal["auto", "always", "never"] | None = ...,
    max_answer: int | None = ...,
    normalise: Literal["squad", "mlqa"] | None = ...,
    answer_language: Literal["ar", "de", "en", "es", "hi", "vi", "zh"] | None = ...,
    turns: int | None = ...,
    reply_role: Literal["any", "assistant"] | None = ...,
    passage_id: str | None = ...,
    grade: str | None = ...,
    encoder: Literal["bi", "cross"] | None = ...,
    scheme: Literal["iob1", "iob2", "bioes", "plain"] | None = ...,
    crf: bool | None = ...,
    then: StrategyName | str | Keys | None = ...,
    back_epochs: int | None = ...,
    back_temperature: float | None = ...,
    back_top_k: int | None = ...,
    tag: str | None = ...,
    top_layers: Literal["all"] | int | None = ...,
    scale: float | None = ...,
    symmetric: bool | None = ...,
    negatives: Literal["near", "mined", "bm25", "in-batch"] | None = ...,
    per_question: int | None = ...,
    margin: float | None = ...,
    widths: Sequence[int] | int | None = ...,
    width: int | None = ...,
    int8: bool | None = ...,
    vector_tokens: int | None = ...,
    stemmer: str | None = ...,
    k1: float | None = ...,
    b: float | None = ...,
    loss: Literal["supervised", "pairs"] | None = ...,
    temperature: float | None = ...,
    updates: int | None = ...,
    label_names: bool | None = ...,
    C: float | None = ...,
    layers: Sequence[int] | int | Literal["all"] | None = ...,
    pooling: Literal["first", "mean", "last"] | None = ...,
    regularisation: float | None = ...,
    match_means: bool | None = ...,
    variance: float | None = ...,
    teacher_model: str | None = ...,
    key_file: str | None = ...,
    key_env: str | None = ...,
    allow_remote: bool | None = ...,
    max_requests: int | None = ...,
    max_total_tokens: int | None = ...,
    max_cost: float | None = ...,
    price_in: float | None = ...,
    price_out: float | None = ...,
    request_rate: float | None = ...,
    concurrency: int | None = ...,
    request_timeout: float | str | None = ...,
    answer_deadline: float | str | None = ...,
    teacher_template: str | None = ...,
    teacher_instruction: str | None = ...,
    teacher_words: Mapping[str, str] | str | None = ...,
    teacher: Sequence[str] | str | Keys | None = ...,
    student: str | Keys | None = ...,
    student_layers: int | Sequence[int] | None = ...,
    student_start: Literal["teacher", "backbone"] | None = ...,
    distillation_temperature: float | None = ...,
    mix: float | None = ...,
    ask: int | None = ...,
    ask_by: Literal["random", "uncertainty", "diversity"] | None = ...,
    teacher_gate: bool | None = ...,
    gate: bool | None = ...,
    gate_seeds: int | None = ...,
    gate_folds: int | None = ...,
    texts: Sequence[str] | str | None = ...,
    own_texts: bool | None = ...,
    objective: ObjectiveName | str | Keys | None = ...,
    text_updates: int | None = ...,
    text_learning_rate: float | None = ...,
    text_batch: int | None = ...,
    text_l2_sp: float | None = ...,
    head: Literal["auto", "native", "mean"] | None = ...,
    head_first: bool | None = ...,
    layer_decay: float | None = ...,
    unfreezing: Literal["at-once", "gradual"] | None = ...,
    embeddings: bool | None = ...,
    dropout: float | None = ...,
    hidden_dropout: Literal["own"] | float | None = ...,
    prefix: str | None = ...,
    label_smoothing: float | None = ...,
    word_dropout: float | None = ...,
    rates: Sequence[float] | float | None = ...,
    passes: int | None = ...,
    compare_after: int | None = ...,
    like: str | Keys | None = ...,
    of: str | Keys | None = ...,
    dense_weight: float | None = ...,
    stone: str | None = ...,
    stone_epochs: int | None = ...,
    stone_rows: int | None = ...,
    probe_rows: int | None = ...,
    alignment_iterations: int | None = ...,
    rank: int | None = ...,
    alpha: float | None = ...,
    targets: Sequence[str] | str | None = ...,
    adapter_dropout: float | None = ...,
    candidates: int | None = ...,
    teacher_scale: float | None = ...,
    student_epochs: int | None = ...,
    student_learning_rate: float | None = ...,
    student_stop_after: int | None = ...,
    sampling_power: float | None = ...,
    most_passes: float | None = ...,
    weighting: Literal["fixed", "uncertainty"] | None = ...,
    loss_weights: Mapping[str, float] | None = ...,
    conflicts: Literal["measure", "project", "ignore"] | None = ...,
    focus: str | None = ...,
    single_runs: bool | None = ...,
    shots: int | None = ...,
    shot_selection: Literal["balanced", "random", "nearest"] | None = ...,
    prompt_template: str | None = ...,
    chat: bool | None = ...,
    instruction: str | None = ...,
    verbalizer: Mapping[str, str] | str | None = ...,
    calibration: Literal["none", "contextual", "batch", "domain-conditional"] | None = ...,
    length_normalised: bool | None = ...,
    expected_labels: float | None = ...,
    retriever: str | Keys | None = ...,
    depth: int | None = ...,
    interaction: Literal["late", "cross"] | None = ...,
    hard_negatives: int | None = ...,
    rerank_weight: float | None = ...,
    rerank_epochs: int | None = ...,
    rerank_learning_rate: float | None = ...,
    rerank_stop_after: int | None = ...,
    rounds: int | None = ...,
    confidence: float | None = ...,
    pseudo_weight: float | None = ...,
    decoder: str | None = ...,
    decoder_layers: int | None = ...,
    target_vocabulary: int | None = ...,
    encoder_rate: float | None = ...,
    average: Literal["soup", "wise"] | None = ...,
    members: int | None = ...,
    member_seeds: Sequence[int] | int | None = ...,
    member_runs: Sequence[str] | str | None = ...,
    greedy: bool | None = ...,
    end_share: float | None = ...,
    descriptions: Mapping[str, str] | str | None = ...,
    describe: str | None = ...,
    clusters: bool | None = ...,
    entailment: str | None = ...,
    entailment_label: str | None = ...,
    hypothesis_template: str | None = ...,
    embedding_backbone: str | None = ...,
    training: Keys | None = ...,
) -> dict[str, Any]:
    """What `fit` would run on this data, and for about how long; options as for `fit`.
    """

def distill(
    teacher: str | Path | Sequence[str | Path], texts: TableLike | Sequence[str],
    *,
    progress: Progress = ...,
    strategy: StrategyName | str | Keys | None = ...,
    task: TaskName | str | Keys | None = ...,
    strategies: str | Sequence[StrategyName | str | Keys] | None = ...,
    budget: float | Literal["auto"] | str | None = ...,
    refit: bool | None = ...,
    controls: bool | None = ...,
    seed: int | None = ...,
    threads: int | None = ...,
    device: Literal["auto", "cpu", "cuda"] | None = ...,
    precision: Literal["auto", "bfloat16", "float32"] | None = ...,
    cache: bool | None = ...,
    output: str | None = ...,
    overwrite: bool | None = ...,
    rows: bool | None = ...,
    abstain: float | None = ...,
    prediction_sets: float | None = ...,
    out_of_scope: bool | None = ...,
    measure: str | Sequence[str | Keys] | None = ...,
    format: Literal["conll", "conllu", "csv", "tsv", "jsonl", "parquet", "tmx"] | None = ...,
    encoding: str | None = ...,
    delimiter: str | None = ...,
    header: bool | None = ...,
    test: str | None = ...,
    validation: str | None = ...,
    target: str | None = ...,
    target_test: str | None = ...,
    tests: Mapping[str, str] | str | None = ...,
    translations: str | None = ...,
    counterfactuals: str | None = ...,
    typo_copies: str | None = ...,
    typo_rate: float | None = ...,
    copies: int | None = ...,
    balance_groups: str | None = ...,
    auxiliary: str | Sequence[str | Keys] | None = ...,
    corpus: str | None = ...,
    out_of_scope_label: str | None = ...,
    group_column: str | None = ...,
    time_column: str | None = ...,
    test_share: float | None = ...,
    validation_share: float | None = ...,
    most_rows: int | None = ...,
    train_rows: int | None = ...,
    draw: int | None = ...,
    test_seed: int | None = ...,
    most_test_rows: int | None = ...,
    folds: int | None = ...,
    backbone: str | Keys | None = ...,
    revision: str | None = ...,
    max_length: int | None = ...,
    epochs: int | None = ...,
    learning_rate: float | None = ...,
    batch_size: int | None = ...,
    warmup: float | None = ...,
    weight_decay: float | None = ...,
    max_grad_norm: float | None = ...,
    patience: int | None = ...,
    stop_after: int | None = ...,
    sample: int | None = ...,
    checkpoint_every: float | str | None = ...,
    text: Sequence[str] | str | None = ...,
    label: str | None = ...,
    labels: Sequence[str] | str | None = ...,
    metric: str | None = ...,
    beams: int | None = ...,
    length_penalty: float | None = ...,
    longest: float | None = ...,
    max_new_tokens: int | None = ...,
    sampling_temperature: float | None = ...,
    top_k: int | None = ...,
    top_p: float | None = ...,
    sampling_seed: int | None = ...,
    no_repeat_ngram: int | None = ...,
    template: Literal["own", "chatml", "plain"] | None = ...,
    best: int | None = ...,
    reference: Sequence[str] | str | None = ...,
    source_language: str | None = ...,
    target_language: str | None = ...,
    mask_terms: Mapping[str, Sequence[str]] | None = ...,
    mask_word: str | None = ...,
    weight: str | None = ...,
    class_weight: Literal["balanced"] | Mapping[str, float] | None = ...,
    merge_labels: bool | None = ...,
    drop_rare_labels: bool | None = ...,
    long: Literal["truncate", "window"] | None = ...,
    separator: Literal["json", "|", ";", ",", "#", "newline", "space"] | None = ...,
    answer_start: str | None = ...,
    no_answer: Literal["auto", "always", "never"] | None = ...,
    max_answer: int | None = ...,
    normalise: Literal["squad", "mlqa"] | None = ...,
    answer_language: Literal["ar", "de", "en", "es", "hi", "vi", "zh"] | None = ...,
    turns: int | None = ...,
    reply_role: Literal["any", "assistant"] | None = ...,
    passage_id: str | None = ...,
    grade: str | None = ...,
    encoder: Literal["bi", "cross"] | None = ...,
    scheme: Literal["iob1", "iob2", "bioes", "plain"] | None = ...,
    crf: bool | None = ...,
    teacher_model: str | None = ...,
    key_file: str | None = ...,
    key_env: str | None = ...,
    allow_remote: bool | None = ...,
    max_requests: int | None = ...,
    max_total_tokens: int | None = ...,
    max_cost: float | None = ...,
    price_in: float | None = ...,
    price_out: float | None = ...,
    request_rate: float | None = ...,
    concurrency: int | None = ...,
    request_timeout: float | str | None = ...,
    answer_deadline: float | str | None = ...,
    teacher_template: str | None = ...,
    teacher_instruction: str | None = ...,
    teacher_words: Mapping[str, str] | str | None = ...,
    student: str | Keys | None = ...,
    student_layers: int | Sequence[int] | None = ...,
    student_start: Literal["teacher", "backbone"] | None = ...,
    distillation_temperature: float | None = ...,
    mix: float | None = ...,
    ask: int | None = ...,
    ask_by: Literal["random", "uncertainty", "diversity"] | None = ...,
    teacher_gate: bool | None = ...,
    training: Keys | None = ...,
) -> Artifact:
    """What a model knows, taught to a smaller one by texts without labels.

    Options are those of `headstart distill --help-all`; `headstart explain NAME` tells all of one.

    Args:
        progress: Told what happens; silent by default.
        strategy: One way of transferring; by default several are tried.
        task: What is learnt, by the name that the hub has for it (`headstart list tasks`).
        strategies: Ways of learning from the teacher.
        budget: Wall-clock time for the whole command, such as `90s`, `3m` or `1h`, at least 30 s, or `none` for no
            limit.
        refit: Let the kept model learn again from all labelled rows once all is chosen, those of validation too.
        controls: Run TF-IDF and the same network from scratch beside the strategies.
        seed: Seed of splits, batch order, dropout and random weights, in [0, 2^32).
        threads: CPU threads.
        device: Where networks compute.
        precision: Precision of matrix products in training and scoring.
        cache: Keep what frozen layers say of the texts on disk, so that it is not computed again.
        output: Folder for the model, report and evidence.
        overwrite: Replace the output folder if an earlier run wrote it.
        rows: Show texts and values of columns in the report.
        abstain: Confidence below which the model is not to answer, in [0, 1).
        prediction_sets: Probability with which a set of labels is to hold the true one, in (0, 1), where rows have
            one label each.
        out_of_scope: Give no label to rows that are about something else than the training rows, where rows have
            one label each.
        measure: What is measured of the chosen model for evidence and report, by name, such as `slices,confusion`.
        format: File format.
        encoding: Text encoding such as `cp1252`.
        delimiter: What stands between columns of a CSV file, one character.
        header: Whether the first line of CSV and TSV files has names of columns.
        test: File with rows to report scores on.
        validation: File with rows to make choices on.
        target: File with texts of another domain that the model is for.
        target_test: File with labelled rows of that other domain.
        tests: Files with more rows to report scores on, by name, such as `shop=shop.csv,film=film.csv`.
        translations: File with translated training rows, with the same columns.
        counterfactuals: File with lists of terms that could stand for each other, such as names of groups of
            people.
        typo_copies: Learn from training rows with misspelt words too.
        typo_rate: Share of the words of such a copy that are misspelt, in (0, 1].
        copies: Copies of a row at most for each list of terms, and with misspelt words, in [1, 20].
        balance_groups: Column with groups, such as those of customers.
        auxiliary: Files with labelled rows of other tasks, one of which the network learns first (`intermediate-
            task`), separated by commas.
        corpus: Files with the passages that are searched, of the task retrieval.
        out_of_scope_label: Label of rows that are examples of texts out of scope, such as `oos`.
        group_column: Column whose equal values never stand on both sides of a cut, such as a customer or an author.
        time_column: Column to cut by.
        test_share: Share of rows cut off as test where no test file is given, in [0, 1).
        validation_share: Share of the training rows cut off as validation where no such file is given, in (0, 1).
        most_rows: Rows used at most of the labelled rows before anything is cut off, a sample stratified by label.
        train_rows: Training rows used of those that are left once test rows are cut off, at least 2, stratified by
            label.
        draw: Number of the sample that `train_rows` takes, in [0, 2^32).
        test_seed: Seed of what is fixed while `seed` varies.
        most_test_rows: Test rows scored at most, drawn at random.
        folds: Folds of cross-validation in place of a validation part, in [2, 20].
        backbone: A known name (`mini`, English.
        revision: Hub revision.
        max_length: Tokens read of each text, special tokens included, at least 8.
        epochs: Passes over the training rows, in [1, 1000].
        learning_rate: Highest learning rate, in (0, 1].
        batch_size: Rows per update on average, in [1, 4096].
        warmup: Share of updates during which the learning rate rises, in [0, 1).
        weight_decay: Decoupled weight decay of the layers (not of heads, biases and norms), in [0, 1].
        max_grad_norm: Gradients are scaled down to this norm, over 0.
        patience: Epochs without improvement on validation after which training stops, at least 1.
        stop_after: Epoch after which training ends though the learning rate's schedule spans all `epochs`, in [1,
            1000].
        sample: Training rows that a strategy learns from at most, at least 2, drawn at random.
        checkpoint_every: Time between two checkpoints, such as `30s` or `5m`.
        text: Column(s) with the text.
        label: Column with the label.
        labels: Labels in the order of the outputs, such as `good,bad`.
        metric: Score by which choices are made on validation, one of those that the task is judged by (`headstart
            list metrics`).
        beams: Texts that are followed at the same time, in [1, 64].
        length_penalty: Power of a text's length that its log-probability is divided by, in [-10, 10].
        longest: Tokens that a text may have for each token of its input, beside a few, in (0, 100].
        max_new_tokens: Tokens of a text at most, in [1, 100,000], whatever its input.
        sampling_temperature: Over 0 words are drawn by chance, by probabilities to the power of 1 / temperature.
        top_k: Draw among so many of the likeliest words (Fan et al.
        top_p: Draw among the likeliest words that have this probability together (Holtzman et al.
        sampling_seed: Seed of what is drawn, in [0, 4294967295].
        no_repeat_ngram: Tokens in a row that may not occur twice in a text (Paulus et al.
        template: Chat template that makes text of dialogues.
        best: Answers or passages that a prediction lists at most, the best one included, in [1, 100].
        reference: Column(s) with the text that is to be written, the first one learnt from (`summary` or
            `ref1,ref2`).
        source_language: Code of the language that is read, such as `en`, `eng` or `en-GB`.
        target_language: Code of the language that is written, such as `de`.
        mask_terms: File with terms that the model is not to read, such as names of groups of people, or these as
            lists by name.
        mask_word: Word that stands in their place.
        weight: Column with how much each row counts in training, numbers over 0.
        class_weight: Weight of each class in training.
        merge_labels: Merge labels that differ only by case, white space or as 1 and 1.0 do into the most frequent
            spelling.
        drop_rare_labels: Leave out labels of a single example instead of stopping.
        long: What happens to a text of more tokens than the network reads.
        separator: What parts the labels of a cell.
        answer_start: Column with the place of the answer's first character in the context, from 0.
        no_answer: Whether the model may say that a context has no answer.
        max_answer: Words of an answer at most, in [1, 10000].
        normalise: How answers are made comparable before they are scored.
        answer_language: Language of the answers under `normalise.
        turns: Turns before a reply that are read, the last ones, in [1, 100].
        reply_role: Whose turns are replies.
        passage_id: Column with ids of passages beside their texts.
        grade: Column with numbers that say how well a passage answers, over 0 where it does.
        encoder: `bi` reads the two texts apart, and their cosine tells.
        scheme: In which tags are written.
        crf: Learn how well each tag follows the one before it, too.
        teacher_model: The model that an endpoint is asked for, where the teacher is the address of one (of
            distillation).
        key_file: A file that holds the endpoint's key and nothing else (of distillation).
        key_env: An environment variable that holds the endpoint's key (of distillation).
        allow_remote: Let texts leave this machine (of distillation).
        max_requests: Requests at most, tries that fail and those before an interruption included (of distillation).
        max_total_tokens: Tokens at most that an endpoint reads and writes together (of distillation).
        max_cost: What all requests may cost at most, in the currency of the prices, over 0 (of distillation).
        price_in: Price of a million tokens that an endpoint reads, at least 0 (of distillation).
        price_out: Price of a million tokens that an endpoint writes, at least 0 (of distillation).
        request_rate: Requests per minute at most, over 0 (of distillation).
        concurrency: Requests that are under way at the same time, in [1, 64] (of distillation).
        request_timeout: Seconds that one request may take, in (0, 3600] (of distillation).
        answer_deadline: Seconds that one answer may take with all its requests and the pauses between them, in (0,
            86400] (of distillation).
        teacher_template: What an endpoint is asked about each text, with `{text}`, or `{first}` and `{second}` of
            pairs, and `{labels}` for their words (of distillation).
        teacher_instruction: What stands in front of everything that an endpoint is asked (of distillation).
        teacher_words: Words that stand for labels where an endpoint is asked (of distillation).
        student: Strategy that trains the student, by name (of distillation).
        student_layers: Layers of the student (of distillation).
        student_start: Network whose layers these are (of distillation).
        distillation_temperature: Temperature that both distributions are softened by, in (0, 100] (of
            distillation).
        mix: Share of the loss on true labels, in [0, 1] (of distillation).
        ask: Texts of `--target` that the teacher is asked about at most (of distillation).
        ask_by: How these are chosen (of distillation).
        teacher_gate: Keep what was taught only if validation gains by it (of distillation).
        training: Settings of the training loop, as a mapping of its keys.
    """

def distill_vectors(
    source: str | Path,
    target: str | Path | None = ...,
    *,
    progress: Progress = ...,
    columns: Sequence[str] | str | None = ...,
    source_language: str | None = ...,
    target_language: str | None = ...,
    encoding: str | None = ...,
    held_out: Sequence[str] | str | None = ...,
    teacher: str | None = ...,
    vocabulary: Literal["new", "trimmed", "extended", "kept"] | None = ...,
    vocabulary_size: int | None = ...,
    word_vectors: Literal["dictionary", "mean", "random"] | None = ...,
    budget: float | str | None = ...,
    cache: bool | None = ...,
    seed: int | None = ...,
    threads: int | None = ...,
    device: Literal["auto", "cpu", "cuda"] | None = ...,
    precision: Literal["auto", "bfloat16", "float32"] | None = ...,
    output: str | None = ...,
    overwrite: bool | None = ...,
    backbone: str | Keys | None = ...,
    revision: str | None = ...,
    max_length: int | None = ...,
    updates: int | None = ...,
    epochs: float | None = ...,
    batch_tokens: int | None = ...,
    block_length: int | None = ...,
    learning_rate: float | None = ...,
    optimizer: Literal["adamw", "muon"] | None = ...,
    warmup: float | None = ...,
    weight_decay: float | None = ...,
    max_grad_norm: float | None = ...,
    rounds: int | None = ...,
    measured_tokens: int | None = ...,
    l2_sp: float | None = ...,
    checkpoint_every: float | str | None = ...,
    patience: int | None = ...,
    training: Keys | None = ...,
) -> dict[str, Any]:
    """Teach a sentence encoder another language by line-aligned texts.

    Options are those of `headstart distill-vectors --help-all`; `headstart explain NAME` tells all of one.

    Args:
        progress: Told what happens; silent by default.
        columns: Column(s) of the table, two.
        source_language: Language of the lines that the teacher reads, such as `en`.
        target_language: Language that is to be learnt, such as `de`.
        encoding: Encoding of the files, such as `cp1252`.
        held_out: File(s) with further lines that translation retrieval is measured on, two that are aligned or one
            table.
        teacher: The sentence encoder that teaches.
        vocabulary: Pieces of the student.
        vocabulary_size: Pieces that are learnt at most, special ones included.
        word_vectors: Where the vectors of new pieces come from.
        budget: Wall-clock time for the whole command, such as `90s`, `10m` or `1h`, at least 30 s.
        cache: Keep the teacher's vectors on disk, so that they are not computed again.
        seed: Seed of all that is drawn at random, in [0, 2^32).
        threads: CPU threads.
        device: Where networks compute.
        precision: Precision of matrix products.
        output: Folder for the network, report and evidence.
        overwrite: Replace the output folder if an earlier run wrote it.
        backbone: A known name (`mini`, English.
        revision: Hub revision.
        max_length: Tokens read of each text, special tokens included, at least 8.
        updates: Steps of the optimiser, at least 1.
        epochs: Passes over the text, over 0.
        batch_tokens: Tokens per update on average, at least 8.
        block_length: Tokens of a row at most, special ones included, at least 8.
        learning_rate: Highest learning rate, in (0, 1].
        optimizer: `adamw`, or `muon` for the matrices of layers with AdamW for the rest.
        warmup: Share of updates during which the learning rate rises, in [0, 1).
        weight_decay: Decoupled weight decay of matrices (not of biases and norms), in [0, 1].
        max_grad_norm: Gradients are scaled down to this norm, over 0.
        rounds: How often the loss on held-out text is measured, at least 1, less often under a budget that this
            would take too much of.
        measured_tokens: Tokens of held-out text that it is measured on, at least 1.
        l2_sp: Pull towards the weights before, against forgetting, at least 0 (L2-SP.
        checkpoint_every: Time between two checkpoints, such as `30s` or `5m`.
        patience: Rounds without a better translation retrieval on held-out lines after which learning stops, at
            least 1.
        training: Settings of the training loop, as a mapping of its keys.
    """

def curve(
    data: TableLike,
    *,
    progress: Progress = ...,
    strategy: StrategyName | str | Keys | None = ...,
    task: TaskName | str | Keys | None = ...,
    strategies: str | Sequence[StrategyName | str | Keys] | None = ...,
    budget: float | Literal["auto"] | str | None = ...,
    dry_run: bool | None = ...,
    refit: bool | None = ...,
    controls: bool | None = ...,
    seed: int | None = ...,
    threads: int | None = ...,
    device: Literal["auto", "cpu", "cuda"] | None = ...,
    precision: Literal["auto", "bfloat16", "float32"] | None = ...,
    cache: bool | None = ...,
    output: str | None = ...,
    overwrite: bool | None = ...,
    rows: bool | None = ...,
    abstain: float | None = ...,
    prediction_sets: float | None = ...,
    out_of_scope: bool | None = ...,
    measure: str | Sequence[str | Keys] | None = ...,
    sizes: Sequence[int] | int | None = ...,
    draws: int | None = ...,
    workers: int | None = ...,
    format: Literal["conll", "conllu", "csv", "tsv", "jsonl", "parquet", "tmx"] | None = ...,
    encoding: str | None = ...,
    delimiter: str | None = ...,
    header: bool | None = ...,
    test: str | None = ...,
    validation: str | None = ...,
    target: str | None = ...,
    target_test: str | None = ...,
    tests: Mapping[str, str] | str | None = ...,
    translations: str | None = ...,
    counterfactuals: str | None = ...,
    typo_copies: str | None = ...,
    typo_rate: float | None = ...,
    copies: int | None = ...,
    balance_groups: str | None = ...,
    auxiliary: str | Sequence[str | Keys] | None = ...,
    corpus: str | None = ...,
    out_of_scope_label: str | None = ...,
    group_column: str | None = ...,
    time_column: str | None = ...,
    test_share: float | None = ...,
    validation_share: float | None = ...,
    most_rows: int | None = ...,
    train_rows: int | None = ...,
    draw: int | None = ...,
    test_seed: int | None = ...,
    most_test_rows: int | None = ...,
    folds: int | None = ...,
    backbone: str | Keys | None = ...,
    revision: str | None = ...,
    max_length: int | None = ...,
    epochs: int | None = ...,
    learning_rate: float | None = ...,
    batch_size: int | None = ...,
    warmup: float | None = ...,
    weight_decay: float | None = ...,
    max_grad_norm: float | None = ...,
    patience: int | None = ...,
    stop_after: int | None = ...,
    sample: int | None = ...,
    checkpoint_every: float | str | None = ...,
    text: Sequence[str] | str | None = ...,
    label: str | None = ...,
    labels: Sequence[str] | str | None = ...,
    metric: str | None = ...,
    beams: int | None = ...,
    length_penalty: float | None = ...,
    longest: float | None = ...,
    max_new_tokens: int | None = ...,
    sampling_temperature: float | None = ...,
    top_k: int | None = ...,
    top_p: float | None = ...,
    sampling_seed: int | None = ...,
    no_repeat_ngram: int | None = ...,
    template: Literal["own", "chatml", "plain"] | None = ...,
    best: int | None = ...,
    reference: Sequence[str] | str | None = ...,
    source_language: str | None = ...,
    target_language: str | None = ...,
    mask_terms: Mapping[str, Sequence[str]] | None = ...,
    mask_word: str | None = ...,
    weight: str | None = ...,
    class_weight: Literal["balanced"] | Mapping[str, float] | None = ...,
    merge_labels: bool | None = ...,
    drop_rare_labels: bool | None = ...,
    long: Literal["truncate", "window"] | None = ...,
    separator: Literal["json", "|", ";", ",", "#", "newline", "space"] | None = ...,
    answer_start: str | None = ...,
    no_answer: Literal["auto", "always", "never"] | None = ...,
    max_answer: int | None = ...,
    normalise: Literal["squad", "mlqa"] | None = ...,
    answer_language: Literal["ar", "de", "en", "es", "hi", "vi", "zh"] | None = ...,
    turns: int | None = ...,
    reply_role: Literal["any", "assistant"] | None = ...,
    passage_id: str | None = ...,
    grade: str | None = ...,
    encoder: Literal["bi", "cross"] | None = ...,
    scheme: Literal["iob1", "iob2", "bioes", "plain"] | None = ...,
    crf: bool | None = ...,
    then: StrategyName | str | Keys | None = ...,
    back_epochs: int | None = ...,
    back_temperature: float | None = ...,
    back_top_k: int | None = ...,
    tag: str | None = ...,
    top_layers: Literal["all"] | int | None = ...,
    scale: float | None = ...,
    symmetric: bool | None = ...,
    negatives: Literal["near", "mined", "bm25", "in-batch"] | None = ...,
    per_question: int | None = ...,
    margin: float | None = ...,
    widths: Sequence[int] | int | None = ...,
    width: int | None = ...,
    int8: bool | None = ...,
    vector_tokens: int | None = ...,
    stemmer: str | None = ...,
    k1: float | None = ...,
    b: float | None = ...,
    loss: Literal["supervised", "pairs"] | None = ...,
    temperature: float | None = ...,
    updates: int | None = ...,
    label_names: bool | None = ...,
    C: float | None = ...,
    layers: Sequence[int] | int | Literal["all"] | None = ...,
    pooling: Literal["first", "mean", "last"] | None = ...,
    regularisation: float | None = ...,
    match_means: bool | None = ...,
    variance: float | None = ...,
    teacher_model: str | None = ...,
    key_file: str | None = ...,
    key_env: str | None = ...,
    allow_remote: bool | None = ...,
    max_requests: int | None = ...,
    max_total_tokens: int | None = ...,
    max_cost: float | None = ...,
    price_in: float | None = ...,
    price_out: float | None = ...,
    request_rate: float | None = ...,
    concurrency: int | None = ...,
    request_timeout: float | str | None = ...,
    answer_deadline: float | str | None = ...,
    teacher_template: str | None = ...,
    teacher_instruction: str | None = ...,
    teacher_words: Mapping[str, str] | str | None = ...,
    teacher: Sequence[str] | str | Keys | None = ...,
    student: str | Keys | None = ...,
    student_layers: int | Sequence[int] | None = ...,
    student_start: Literal["teacher", "backbone"] | None = ...,
    distillation_temperature: float | None = ...,
    mix: float | None = ...,
    ask: int | None = ...,
    ask_by: Literal["random", "uncertainty", "diversity"] | None = ...,
    teacher_gate: bool | None = ...,
    gate: bool | None = ...,
    gate_seeds: int | None = ...,
    gate_folds: int | None = ...,
    texts: Sequence[str] | str | None = ...,
    own_texts: bool | None = ...,
    objective: ObjectiveName | str | Keys | None = ...,
    text_updates: int | None = ...,
    text_learning_rate: float | None = ...,
    text_batch: int | None = ...,
    text_l2_sp: float | None = ...,
    head: Literal["auto", "native", "mean"] | None = ...,
    head_first: bool | None = ...,
    layer_decay: float | None = ...,
    unfreezing: Literal["at-once", "gradual"] | None = ...,
    embeddings: bool | None = ...,
    dropout: float | None = ...,
    hidden_dropout: Literal["own"] | float | None = ...,
    prefix: str | None = ...,
    label_smoothing: float | None = ...,
    word_dropout: float | None = ...,
    rates: Sequence[float] | float | None = ...,
    passes: int | None = ...,
    compare_after: int | None = ...,
    like: str | Keys | None = ...,
    of: str | Keys | None = ...,
    dense_weight: float | None = ...,
    stone: str | None = ...,
    stone_epochs: int | None = ...,
    stone_rows: int | None = ...,
    probe_rows: int | None = ...,
    alignment_iterations: int | None = ...,
    rank: int | None = ...,
    alpha: float | None = ...,
    targets: Sequence[str] | str | None = ...,
    adapter_dropout: float | None = ...,
    candidates: int | None = ...,
    teacher_scale: float | None = ...,
    student_epochs: int | None = ...,
    student_learning_rate: float | None = ...,
    student_stop_after: int | None = ...,
    sampling_power: float | None = ...,
    most_passes: float | None = ...,
    weighting: Literal["fixed", "uncertainty"] | None = ...,
    loss_weights: Mapping[str, float] | None = ...,
    conflicts: Literal["measure", "project", "ignore"] | None = ...,
    focus: str | None = ...,
    single_runs: bool | None = ...,
    shots: int | None = ...,
    shot_selection: Literal["balanced", "random", "nearest"] | None = ...,
    prompt_template: str | None = ...,
    chat: bool | None = ...,
    instruction: str | None = ...,
    verbalizer: Mapping[str, str] | str | None = ...,
    calibration: Literal["none", "contextual", "batch", "domain-conditional"] | None = ...,
    length_normalised: bool | None = ...,
    expected_labels: float | None = ...,
    retriever: str | Keys | None = ...,
    depth: int | None = ...,
    interaction: Literal["late", "cross"] | None = ...,
    hard_negatives: int | None = ...,
    rerank_weight: float | None = ...,
    rerank_epochs: int | None = ...,
    rerank_learning_rate: float | None = ...,
    rerank_stop_after: int | None = ...,
    rounds: int | None = ...,
    confidence: float | None = ...,
    pseudo_weight: float | None = ...,
    decoder: str | None = ...,
    decoder_layers: int | None = ...,
    target_vocabulary: int | None = ...,
    encoder_rate: float | None = ...,
    average: Literal["soup", "wise"] | None = ...,
    members: int | None = ...,
    member_seeds: Sequence[int] | int | None = ...,
    member_runs: Sequence[str] | str | None = ...,
    greedy: bool | None = ...,
    end_share: float | None = ...,
    descriptions: Mapping[str, str] | str | None = ...,
    describe: str | None = ...,
    clusters: bool | None = ...,
    entailment: str | None = ...,
    entailment_label: str | None = ...,
    hypothesis_template: str | None = ...,
    embedding_backbone: str | None = ...,
    training: Keys | None = ...,
) -> dict[str, Any]:
    """How good strategies are with so many labels, and what more labels would bring.

    Options are those of `headstart curve --help-all`; `headstart explain NAME` tells all of one.

    Args:
        progress: Told what happens; silent by default.
        strategy: One way of transferring; by default several are tried.
        task: What is learnt, by the name that the hub has for it (`headstart list tasks`).
        strategies: Ways of transferring to run, by name.
        budget: Wall-clock time for the whole command, such as `90s`, `3m` or `1h`, at least 30 s, or `none` for no
            limit.
        dry_run: Read the data, show what would run and about how long it would take, and stop.
        refit: Let the kept model learn again from all labelled rows once all is chosen, those of validation too.
        controls: Run TF-IDF and the same network from scratch beside the strategies.
        seed: Seed of splits, batch order, dropout and random weights, in [0, 2^32).
        threads: CPU threads.
        device: Where networks compute.
        precision: Precision of matrix products in training and scoring.
        cache: Keep what frozen layers say of the texts on disk, so that it is not computed again.
        output: Folder for the model, report and evidence.
        overwrite: Replace the output folder if an earlier run wrote it.
        rows: Show texts and values of columns in the report.
        abstain: Confidence below which the model is not to answer, in [0, 1).
        prediction_sets: Probability with which a set of labels is to hold the true one, in (0, 1), where rows have
            one label each.
        out_of_scope: Give no label to rows that are about something else than the training rows, where rows have
            one label each.
        measure: What is measured of the chosen model for evidence and report, by name, such as `slices,confusion`.
        sizes: Numbers of training rows, validation rows among them, each at least 4.
        draws: Samples of the training rows for each size, in [1, 100].
        workers: Runs at once, in [1, 64], each in a process with its share of the cores.
        format: File format.
        encoding: Text encoding such as `cp1252`.
        delimiter: What stands between columns of a CSV file, one character.
        header: Whether the first line of CSV and TSV files has names of columns.
        test: File with rows to report scores on.
        validation: File with rows to make choices on.
        target: File with texts of another domain that the model is for.
        target_test: File with labelled rows of that other domain.
        tests: Files with more rows to report scores on, by name, such as `shop=shop.csv,film=film.csv`.
        translations: File with translated training rows, with the same columns.
        counterfactuals: File with lists of terms that could stand for each other, such as names of groups of
            people.
        typo_copies: Learn from training rows with misspelt words too.
        typo_rate: Share of the words of such a copy that are misspelt, in (0, 1].
        copies: Copies of a row at most for each list of terms, and with misspelt words, in [1, 20].
        balance_groups: Column with groups, such as those of customers.
        auxiliary: Files with labelled rows of other tasks, one of which the network learns first (`intermediate-
            task`), separated by commas.
        corpus: Files with the passages that are searched, of the task retrieval.
        out_of_scope_label: Label of rows that are examples of texts out of scope, such as `oos`.
        group_column: Column whose equal values never stand on both sides of a cut, such as a customer or an author.
        time_column: Column to cut by.
        test_share: Share of rows cut off as test where no test file is given, in [0, 1).
        validation_share: Share of the training rows cut off as validation where no such file is given, in (0, 1).
        most_rows: Rows used at most of the labelled rows before anything is cut off, a sample stratified by label.
        train_rows: Training rows used of those that are left once test rows are cut off, at least 2, stratified by
            label.
        draw: Number of the sample that `train_rows` takes, in [0, 2^32).
        test_seed: Seed of what is fixed while `seed` varies.
        most_test_rows: Test rows scored at most, drawn at random.
        folds: Folds of cross-validation in place of a validation part, in [2, 20].
        backbone: A known name (`mini`, English.
        revision: Hub revision.
        max_length: Tokens read of each text, special tokens included, at least 8.
        epochs: Passes over the training rows, in [1, 1000].
        learning_rate: Highest learning rate, in (0, 1].
        batch_size: Rows per update on average, in [1, 4096].
        warmup: Share of updates during which the learning rate rises, in [0, 1).
        weight_decay: Decoupled weight decay of the layers (not of heads, biases and norms), in [0, 1].
        max_grad_norm: Gradients are scaled down to this norm, over 0.
        patience: Epochs without improvement on validation after which training stops, at least 1.
        stop_after: Epoch after which training ends though the learning rate's schedule spans all `epochs`, in [1,
            1000].
        sample: Training rows that a strategy learns from at most, at least 2, drawn at random.
        checkpoint_every: Time between two checkpoints, such as `30s` or `5m`.
        text: Column(s) with the text.
        label: Column with the label.
        labels: Labels in the order of the outputs, such as `good,bad`.
        metric: Score by which choices are made on validation, one of those that the task is judged by (`headstart
            list metrics`).
        beams: Texts that are followed at the same time, in [1, 64].
        length_penalty: Power of a text's length that its log-probability is divided by, in [-10, 10].
        longest: Tokens that a text may have for each token of its input, beside a few, in (0, 100].
        max_new_tokens: Tokens of a text at most, in [1, 100,000], whatever its input.
        sampling_temperature: Over 0 words are drawn by chance, by probabilities to the power of 1 / temperature.
        top_k: Draw among so many of the likeliest words (Fan et al.
        top_p: Draw among the likeliest words that have this probability together (Holtzman et al.
        sampling_seed: Seed of what is drawn, in [0, 4294967295].
        no_repeat_ngram: Tokens in a row that may not occur twice in a text (Paulus et al.
        template: Chat template that makes text of dialogues.
        best: Answers or passages that a prediction lists at most, the best one included, in [1, 100].
        reference: Column(s) with the text that is to be written, the first one learnt from (`summary` or
            `ref1,ref2`).
        source_language: Code of the language that is read, such as `en`, `eng` or `en-GB`.
        target_language: Code of the language that is written, such as `de`.
        mask_terms: File with terms that the model is not to read, such as names of groups of people, or these as
            lists by name.
        mask_word: Word that stands in their place.
        weight: Column with how much each row counts in training, numbers over 0.
        class_weight: Weight of each class in training.
        merge_labels: Merge labels that differ only by case, white space or as 1 and 1.0 do into the most frequent
            spelling.
        drop_rare_labels: Leave out labels of a single example instead of stopping.
        long: What happens to a text of more tokens than the network reads.
        separator: What parts the labels of a cell.
        answer_start: Column with the place of the answer's first character in the context, from 0.
        no_answer: Whether the model may say that a context has no answer.
        max_answer: Words of an answer at most, in [1, 10000].
        normalise: How answers are made comparable before they are scored.
        answer_language: Language of the answers under `normalise.
        turns: Turns before a reply that are read, the last ones, in [1, 100].
        reply_role: Whose turns are replies.
        passage_id: Column with ids of passages beside their texts.
        grade: Column with numbers that say how well a passage answers, over 0 where it does.
        encoder: `bi` reads the two texts apart, and their cosine tells.
        scheme: In which tags are written.
        crf: Learn how well each tag follows the one before it, too.
        then: Strategy that is fitted inside, by name (of back-translation, domain-adaptation, intermediate-task,
            self-training, weight-averaging).
        back_epochs: Passes over the pairs of the model of the other direction, in [1, 1000] (of back-translation).
        back_temperature: Over 0 the inputs that are made up are drawn by chance, by probabilities to the power of 1
            / temperature (Edunov et al (of back-translation).
        back_top_k: Over 0 they are drawn among so many of the likeliest words, in [0, 1,000,000] (of back-
            translation).
        tag: What stands in front of an input that was made up, so that it can be told from a real one (of back-
            translation).
        top_layers: `all`, or how many of the top layers move, at least 1 (of bi-encoder, contrastive).
        scale: What cosines are multiplied by in the loss, in (0, 1000] (of bi-encoder).
        symmetric: Let passages pick their question too (of bi-encoder).
        negatives: Passages that do not answer (of bi-encoder).
        per_question: Negatives of each question beside those of its batch, in [1, 32], where they are `mined` or by
            `bm25` (of bi-encoder).
        margin: By how much the cosine of a mined negative is lower than that of the right passage, in [0, 2] (of
            bi-encoder).
        widths: Lengths of vectors that are learnt to do alone too, such as 192 and 96 (Kusupati et al (of bi-
            encoder).
        width: Numbers of a vector that are kept, at least 1 (of bi-encoder).
        int8: Keep vectors of passages to one byte a number (of bi-encoder).
        vector_tokens: Tokens of a stretch of a passage that has a vector of its own, the best of which counts, at
            least 2, or 0 for one vector of the whole passage (of bi-encoder).
        stemmer: Whose endings are cut off words (Snowball), or `none` (of bm25).
        k1: How soon more of the same word count for less, in [0, 100] (of bm25).
        b: How much the length of a passage is held against it, in [0, 1] (of bm25).
        loss: `supervised` (of contrastive).
        temperature: What cosines are divided by in the supervised loss, in (0, 10] (of contrastive).
        updates: Updates where `training.epochs` is not given, at least 1 (of contrastive).
        label_names: Learn from the labels' own words too, as three more texts per label (of contrastive, feature-
            extraction).
        C: Inverse strength of regularisation, in [1e-15, 1e15] (of contrastive, coral, feature-extraction, tf-idf).
        layers: States read side by side, 0 for the embeddings up to the number of layers (of coral, feature-
            extraction, fine-tuning, multi-task).
        pooling: How tokens become one vector (of coral, feature-extraction).
        regularisation: Added to the variance of every (standardised) feature before whitening and colouring, in
            [1e-15, 1e15] (of coral).
        match_means: Align the means of the features too, for a target domain in which labels are as frequent as in
            training (of coral).
        variance: Inverse strength of the L2 penalty on weights, over 0 (of crf, word-overlap).
        teacher_model: The model that an endpoint is asked for, where the teacher is the address of one (of
            distillation).
        key_file: A file that holds the endpoint's key and nothing else (of distillation).
        key_env: An environment variable that holds the endpoint's key (of distillation).
        allow_remote: Let texts leave this machine (of distillation).
        max_requests: Requests at most, tries that fail and those before an interruption included (of distillation).
        max_total_tokens: Tokens at most that an endpoint reads and writes together (of distillation).
        max_cost: What all requests may cost at most, in the currency of the prices, over 0 (of distillation).
        price_in: Price of a million tokens that an endpoint reads, at least 0 (of distillation).
        price_out: Price of a million tokens that an endpoint writes, at least 0 (of distillation).
        request_rate: Requests per minute at most, over 0 (of distillation).
        concurrency: Requests that are under way at the same time, in [1, 64] (of distillation).
        request_timeout: Seconds that one request may take, in (0, 3600] (of distillation).
        answer_deadline: Seconds that one answer may take with all its requests and the pauses between them, in (0,
            86400] (of distillation).
        teacher_template: What an endpoint is asked about each text, with `{text}`, or `{first}` and `{second}` of
            pairs, and `{labels}` for their words (of distillation).
        teacher_instruction: What stands in front of everything that an endpoint is asked (of distillation).
        teacher_words: Words that stand for labels where an endpoint is asked (of distillation).
        teacher: What teaches (of distillation, margin-mse).
        student: Strategy that trains the student, by name (of distillation).
        student_layers: Layers of the student (of distillation).
        student_start: Network whose layers these are (of distillation).
        distillation_temperature: Temperature that both distributions are softened by, in (0, 100] (of
            distillation).
        mix: Share of the loss on true labels, in [0, 1] (of distillation).
        ask: Texts of `--target` that the teacher is asked about at most (of distillation).
        ask_by: How these are chosen (of distillation).
        teacher_gate: Keep what was taught only if validation gains by it (of distillation).
        gate: Keep what was added only if validation bears it out (of domain-adaptation, intermediate-task, weight-
            averaging).
        gate_seeds: Fits with and without that the gate compares, each pair with a seed of its own, in [1, 20] (of
            domain-adaptation, intermediate-task).
        gate_folds: Folds of cross-validation on the training rows that the gate judges by, in [2, 20] (of domain-
            adaptation, intermediate-task).
        texts: Raw text of the domain (of domain-adaptation).
        own_texts: Learn from the training rows' texts too, and from those of the target domain where there are any
            (of domain-adaptation).
        objective: `masked-lm`, `causal-lm` or `simcse` (of domain-adaptation).
        text_updates: Steps of the optimiser on raw text, at least 1 (of domain-adaptation).
        text_learning_rate: Highest learning rate on raw text, in (0, 1] (of domain-adaptation).
        text_batch: Tokens per update on raw text, at least 8 (of domain-adaptation).
        text_l2_sp: Pull towards the weights before, against forgetting, at least 0 (L2-SP (of domain-adaptation).
        head: What the head reads (of fine-tuning, lora, multi-task).
        head_first: Solve the head on frozen features before anything moves (of fine-tuning, lora, multi-task).
        layer_decay: Share of the learning rate that the next lower layer gets, in (0, 1] (of fine-tuning, multi-
            task).
        unfreezing: `gradual` thaws one more layer every epoch, from the top (Howard & Ruder 2018, section 3.3) (of
            fine-tuning).
        embeddings: Train the word embeddings too (of fine-tuning).
        dropout: Share of the head's inputs dropped in training, in [0, 1) (of fine-tuning, lora, multi-task).
        hidden_dropout: Share of the states dropped within the network in training, in [0, 1), or `own` (of fine-
            tuning, warm-start).
        prefix: What stands in front of each text that is read, of tasks that write (of fine-tuning, lora,
            untouched).
        label_smoothing: Share of the probability that is wanted of all words alike (Szegedy et al (of fine-tuning,
            lora, warm-start).
        word_dropout: Share of the words of a text that are hidden while what is written for it is learnt, in [0, 1)
            (of fine-tuning, lora, warm-start).
        rates: Learning rates tried, each in (0, 1] (of from-scratch).
        passes: Passes over the training rows, in [1, 1000] (of from-scratch).
        compare_after: Passes after which the rates are compared and only the best one goes on, in [1, 1000] (of
            from-scratch).
        like: Strategy whose network gets random weights, of tasks that write (of from-scratch).
        of: Strategy that gives the vectors (of hybrid).
        dense_weight: Weight of vectors beside words, in [0, 1] (of hybrid).
        stone: Name of the task that is learnt first, that of its file without the ending, or `none` (of
            intermediate-task).
        stone_epochs: Epochs on the other task, in [1, 100] (of intermediate-task).
        stone_rows: Rows of the other task that are learnt from at most, drawn at random, in [16, 1,000,000] (of
            intermediate-task).
        probe_rows: Rows of each other task that the probe learns from for one epoch, where there are several, in
            [16, 100,000] (of intermediate-task).
        alignment_iterations: Rounds of expectation and maximisation, in [1, 100] (of lexicon).
        rank: Rank of the correction, in [1, 1024] (of lora).
        alpha: The correction is scaled by alpha / rank (of lora).
        targets: Ends of the names of modules that get a correction, such as `query,value` (of lora).
        adapter_dropout: Share of the correction's inputs dropped in training, in [0, 1) (of lora).
        candidates: Passages of each question that the teacher scores, in [2, 100] (of margin-mse).
        teacher_scale: What differences of cosines are multiplied by to be compared with the teacher's, in (0, 1000]
            (of margin-mse).
        student_epochs: Passes over all questions, in [1, 100], in place of `--epochs`, which are those of the
            strategies inside (of margin-mse).
        student_learning_rate: The highest learning rate of the bi-encoder, in (0, 1], in place of `--learning-rate`
            (of margin-mse).
        student_stop_after: Epoch after which it ends though the schedule goes on, at least 0 (of margin-mse).
        sampling_power: Power of a task's size by which tasks are sampled, in [0, 1] (of multi-task).
        most_passes: Passes over the rows of a task in an epoch at most, in [1, 1000] (of multi-task).
        weighting: How losses are weighed against each other (of multi-task).
        loss_weights: Factors of the losses by task, each over 0 (of multi-task).
        conflicts: What is done about gradients that pull apart (of multi-task).
        focus: Task by whose validation rows the best epoch is chosen and training is ended (of multi-task).
        single_runs: Train each task alone too, with as many passes over its rows, so that gain and harm are seen
            (of multi-task).
        shots: Examples with their answers in front of each text, in [0, 100] (of prompting).
        shot_selection: Which training rows `shots` are (of prompting).
        prompt_template: What is asked, with `{text}`, or `{first}` and `{second}` of pairs, and `{labels}` for
            their words (of prompting).
        chat: Ask as in a conversation, by the network's own chat template (of prompting).
        instruction: In front of examples and text (of prompting).
        verbalizer: Words that stand for labels (Schick and Schütze 2021, section 3) (of prompting).
        calibration: What is taken away from scores (of prompting).
        length_normalised: Means over the tokens of a label's words in place of sums (of prompting).
        expected_labels: Labels that a text has on average where it may have several, or spans of words where these
            are tagged, over 0 (of prompting, zero-shot).
        retriever: Strategy that finds the passages (of rerank).
        depth: Passages of each question that are read, in [2, 100] (of rerank).
        interaction: How question and passage meet (of rerank).
        hard_negatives: Passages that the first retriever finds and that do not answer, beside the one that does, in
            training, in [1, 32] (of rerank).
        rerank_weight: Weight of the second score beside that of the first retriever, in [0, 1] (of rerank).
        rerank_epochs: Passes over the training questions, in [1, 100], in place of `--epochs`, which are those of
            the strategy inside (of rerank).
        rerank_learning_rate: The highest learning rate of what reads again, in (0, 1], in place of `--learning-
            rate` (of rerank).
        rerank_stop_after: Epoch after which it ends though the schedule goes on, at least 0 (of rerank).
        rounds: Times that texts are labelled and learnt from, in [0, 20] (of self-training).
        confidence: Calibrated probability from which on a label is believed, in (0, 1] (of self-training).
        pseudo_weight: How much a text labelled by the model counts beside 1 of a labelled row, in (0, 100] (of
            self-training).
        decoder: Which network writes (of warm-start).
        decoder_layers: Layers of a new decoder, in [1, 100], each as wide as those of the encoder (of warm-start).
        target_vocabulary: Words that a new decoder writes at most, in [300, 250,000] (of warm-start).
        encoder_rate: Share of the learning rate that pretrained weights get, in [0, 1] (of warm-start).
        average: `soup`, the mean of trainings under several seeds, or `wise`, a point between the start and the end
            of one training (of weight-averaging).
        members: Trainings that a soup is made of, under the run's seed and those after it, in [1, 20] (of weight-
            averaging).
        member_seeds: Seeds of the trainings that a soup is made of, each in [0, 2^32) (of weight-averaging).
        member_runs: Folders of finished runs whose networks the soup is made of, 2 to 20 of them (of weight-
            averaging).
        greedy: Take into the soup only networks that make it no worse on validation, the best one first (of weight-
            averaging).
        end_share: Share of the end of training on the line from the start to it, in [0, 1] (the alpha of WiSE-FT)
            (of weight-averaging).
        descriptions: Words that stand for labels, such as `{pos (of zero-shot).
        describe: File with such words (of zero-shot).
        clusters: Whether clusters of the training texts that begin at the names take their place (of zero-shot).
        entailment: Folder of a run for pairs of texts with labels such as entailment, which is asked about each
            label in place of the backbone (Yin et al (of zero-shot).
        entailment_label: Label of that run that says that the first text entails the second (of zero-shot).
        hypothesis_template: Sentence about a label that a text may entail, with `{label}` for its words (of zero-
            shot).
        embedding_backbone: Encoder beside a decoder (of zero-shot).
        training: Settings of the training loop, as a mapping of its keys.
    """

def pretrain(
    texts: str | Path | Sequence[str | Path],
    *,
    progress: Progress = ...,
    objective: ObjectiveName | str | Keys | None = ...,
    budget: float | str | None = ...,
    seed: int | None = ...,
    threads: int | None = ...,
    device: Literal["auto", "cpu", "cuda"] | None = ...,
    precision: Literal["auto", "bfloat16", "float32"] | None = ...,
    output: str | None = ...,
    overwrite: bool | None = ...,
    documents: Literal["auto", "file", "paragraph", "line"] | None = ...,
    column: str | None = ...,
    encoding: str | None = ...,
    near_duplicates: float | None = ...,
    held_out: Sequence[str] | str | None = ...,
    exclude: Sequence[str] | str | None = ...,
    updates: int | None = ...,
    epochs: float | None = ...,
    batch_tokens: int | None = ...,
    block_length: int | None = ...,
    learning_rate: float | None = ...,
    optimizer: Literal["adamw", "muon"] | None = ...,
    warmup: float | None = ...,
    weight_decay: float | None = ...,
    max_grad_norm: float | None = ...,
    rounds: int | None = ...,
    measured_tokens: int | None = ...,
    l2_sp: float | None = ...,
    checkpoint_every: float | str | None = ...,
    architecture: str | None = ...,
    size: Literal["tiny", "small", "base"] | None = ...,
    network_layers: int | None = ...,
    hidden_size: int | None = ...,
    attention_heads: int | None = ...,
    tokenizer: Literal["auto", "wordpiece", "bpe", "unigram"] | None = ...,
    vocabulary_size: int | None = ...,
    lowercase: bool | None = ...,
    share: float | None = ...,
    whole_words: bool | None = ...,
    temperature: float | None = ...,
    pooling: Literal["first", "mean", "last"] | None = ...,
    span_words: int | None = ...,
    training: Keys | None = ...,
    network: Keys | None = ...,
) -> dict[str, Any]:
    """A language model from raw text, made by configuration.

    Options are those of `headstart pretrain --help-all`; `headstart explain NAME` tells all of one.

    Args:
        progress: Told what happens; silent by default.
        objective: What is learnt.
        budget: Wall-clock time for the whole command, such as `90s`, `10m` or `1h`, at least 30 s.
        seed: Seed of random weights, order, dropout and what is hidden, in [0, 2^32).
        threads: CPU threads.
        device: Where networks compute.
        precision: Precision of matrix products.
        output: Folder for the network, report and evidence.
        overwrite: Replace the output folder if an earlier run wrote it.
        documents: What one document is in plain text.
        column: Column of tables with the text.
        encoding: Encoding of the files, such as `cp1252`.
        near_duplicates: Share of word 5-grams in common, in (0, 1), from which on a document counts as a copy of an
            earlier one and is left out.
        held_out: Files with text that the loss is measured on.
        exclude: Files of evaluation sets, such as test.csv.
        updates: Steps of the optimiser, at least 1.
        epochs: Passes over the text, over 0.
        batch_tokens: Tokens per update on average, at least 8.
        block_length: Tokens of a row at most, special ones included, at least 8.
        learning_rate: Highest learning rate, in (0, 1].
        optimizer: `adamw`, or `muon` for the matrices of layers with AdamW for the rest.
        warmup: Share of updates during which the learning rate rises, in [0, 1).
        weight_decay: Decoupled weight decay of matrices (not of biases and norms), in [0, 1].
        max_grad_norm: Gradients are scaled down to this norm, over 0.
        rounds: How often the loss on held-out text is measured, at least 1, less often under a budget that this
            would take too much of.
        measured_tokens: Tokens of held-out text that it is measured on, at least 1.
        l2_sp: Pull towards the weights before, against forgetting, at least 0 (L2-SP.
        checkpoint_every: Time between two checkpoints, such as `30s` or `5m`.
        architecture: `bert`, `roberta`, `distilbert`, `mpnet`, `electra`, `deberta-v2`, `modernbert` (encoders),
            `gpt2`, `llama`, `qwen2`, `qwen3` (decoders), or a folder or hub id whose configuration and tokenizer
            are taken without the weights.
        size: `tiny` (2 layers of 128), `small` (4 of 512) or `base` (12 of 768).
        network_layers: Number of layers, in place of the size's.
        hidden_size: Width of the states, in place of the size's.
        attention_heads: Heads of each layer, in place of the size's.
        tokenizer: Kind of tokenizer that is trained.
        vocabulary_size: Words of the tokenizer at most, special ones included.
        lowercase: Make texts lower-case (WordPiece tokenizers only).
        share: Share of the tokens that are hidden, in (0, 1).
        whole_words: Hide all subword tokens of a word together (whole word masking of BERT's later releases.
        temperature: What cosines are divided by, in (0, 10].
        pooling: How tokens become one vector.
        span_words: Words of a recurring span at most, in [1, 30].
        training: Settings of the training loop, as a mapping of its keys.
        network: The network, made by configuration, as a mapping of its keys.
    """

def adapt(
    texts: str | Path | Sequence[str | Path],
    *,
    progress: Progress = ...,
    objective: ObjectiveName | str | Keys | None = ...,
    budget: float | str | None = ...,
    seed: int | None = ...,
    threads: int | None = ...,
    device: Literal["auto", "cpu", "cuda"] | None = ...,
    precision: Literal["auto", "bfloat16", "float32"] | None = ...,
    output: str | None = ...,
    overwrite: bool | None = ...,
    general: Sequence[str] | str | None = ...,
    replay: float | None = ...,
    top_layers: Literal["all"] | int | None = ...,
    lora_rank: int | None = ...,
    documents: Literal["auto", "file", "paragraph", "line"] | None = ...,
    column: str | None = ...,
    encoding: str | None = ...,
    near_duplicates: float | None = ...,
    held_out: Sequence[str] | str | None = ...,
    exclude: Sequence[str] | str | None = ...,
    updates: int | None = ...,
    epochs: float | None = ...,
    batch_tokens: int | None = ...,
    block_length: int | None = ...,
    learning_rate: float | None = ...,
    optimizer: Literal["adamw", "muon"] | None = ...,
    warmup: float | None = ...,
    weight_decay: float | None = ...,
    max_grad_norm: float | None = ...,
    rounds: int | None = ...,
    measured_tokens: int | None = ...,
    l2_sp: float | None = ...,
    checkpoint_every: float | str | None = ...,
    backbone: str | Keys | None = ...,
    revision: str | None = ...,
    max_length: int | None = ...,
    vocabulary: Literal["kept", "transplant"] | None = ...,
    vocabulary_size: int | None = ...,
    word_vectors: Literal["auto", "dictionary", "mean", "random"] | None = ...,
    parallel: Sequence[str] | str | None = ...,
    share: float | None = ...,
    whole_words: bool | None = ...,
    temperature: float | None = ...,
    pooling: Literal["first", "mean", "last"] | None = ...,
    span_words: int | None = ...,
    training: Keys | None = ...,
    transplant: Keys | None = ...,
) -> dict[str, Any]:
    """Let a pretrained network go on learning on raw text of a domain.

    Options are those of `headstart adapt --help-all`; `headstart explain NAME` tells all of one.

    Args:
        progress: Told what happens; silent by default.
        objective: What is learnt.
        budget: Wall-clock time for the whole command, such as `90s`, `10m` or `1h`, at least 30 s.
        seed: Seed of random weights, order, dropout and what is hidden, in [0, 2^32).
        threads: CPU threads.
        device: Where networks compute.
        precision: Precision of matrix products.
        output: Folder for the network, report and evidence.
        overwrite: Replace the output folder if an earlier run wrote it.
        general: Files with text such as the network was trained on.
        replay: Share of rows that are drawn from `general` so that it is not forgotten, in [0, 1).
        top_layers: How many of the top layers move, at least 1.
        lora_rank: Rank of a correction of all linear maps, in [1, 1024], which learns in their place and is added
            to them at the end (LoRA.
        documents: What one document is in plain text.
        column: Column of tables with the text.
        encoding: Encoding of the files, such as `cp1252`.
        near_duplicates: Share of word 5-grams in common, in (0, 1), from which on a document counts as a copy of an
            earlier one and is left out.
        held_out: Files with text that the loss is measured on.
        exclude: Files of evaluation sets, such as test.csv.
        updates: Steps of the optimiser, at least 1.
        epochs: Passes over the text, over 0.
        batch_tokens: Tokens per update on average, at least 8.
        block_length: Tokens of a row at most, special ones included, at least 8.
        learning_rate: Highest learning rate, in (0, 1].
        optimizer: `adamw`, or `muon` for the matrices of layers with AdamW for the rest.
        warmup: Share of updates during which the learning rate rises, in [0, 1).
        weight_decay: Decoupled weight decay of matrices (not of biases and norms), in [0, 1].
        max_grad_norm: Gradients are scaled down to this norm, over 0.
        rounds: How often the loss on held-out text is measured, at least 1, less often under a budget that this
            would take too much of.
        measured_tokens: Tokens of held-out text that it is measured on, at least 1.
        l2_sp: Pull towards the weights before, against forgetting, at least 0 (L2-SP.
        checkpoint_every: Time between two checkpoints, such as `30s` or `5m`.
        backbone: A known name (`mini`, English.
        revision: Hub revision.
        max_length: Tokens read of each text, special tokens included, at least 8.
        vocabulary: Pieces that words are cut into.
        vocabulary_size: Pieces of a transplanted vocabulary at most, special ones included, in [300, 1000000].
        word_vectors: Where the vectors of transplanted pieces come from.
        parallel: Files, two that are line-aligned.
        share: Share of the tokens that are hidden, in (0, 1).
        whole_words: Hide all subword tokens of a word together (whole word masking of BERT's later releases.
        temperature: What cosines are divided by, in (0, 10].
        pooling: How tokens become one vector.
        span_words: Words of a recurring span at most, in [1, 30].
        training: Settings of the training loop, as a mapping of its keys.
        transplant: The network's vocabulary, as a mapping of its keys.
    """

def predict(
    model: str | Path | None = ...,
    texts: Sequence[str] = (),
    *,
    progress: Progress = ...,
    threads: int | None = ...,
    device: Literal["auto", "cpu", "cuda"] | None = ...,
    precision: Literal["auto", "bfloat16", "float32"] | None = ...,
    format: Literal["conll", "conllu", "csv", "tsv", "jsonl", "parquet", "tmx"] | None = ...,
    encoding: str | None = ...,
    delimiter: str | None = ...,
    header: bool | None = ...,
    task: str | None = ...,
    text: Sequence[str] | str | None = ...,
    corpus: str | None = ...,
    runtime: Literal["auto", "torch", "ctranslate2"] | None = ...,
    abstain: float | None = ...,
    prediction_sets: float | None = ...,
    beams: int | None = ...,
    length_penalty: float | None = ...,
    max_new_tokens: int | None = ...,
    sampling_temperature: float | None = ...,
    top_k: int | None = ...,
    top_p: float | None = ...,
    sampling_seed: int | None = ...,
    no_repeat_ngram: int | None = ...,
    labels: Sequence[str] | str | None = ...,
    several: bool | None = ...,
    spans: bool | None = ...,
    input: str | None = ...,
    output: str | None = ...,
    best: int | None = ...,
    max_answer: int | None = ...,
    stream: bool | None = ...,
    why: bool | None = ...,
    why_by: Literal["occlusion", "integrated-gradients"] | None = ...,
    overwrite: bool | None = ...,
    backbone: str | Keys | None = ...,
    revision: str | None = ...,
    max_length: int | None = ...,
) -> dict[str, Any]:
    """Predict for texts, or for a file (`input=`).

    Options are those of `headstart predict --help-all`; `headstart explain NAME` tells all of one.

    Args:
        progress: Told what happens; silent by default.
        threads: CPU threads.
        device: Where networks compute.
        precision: Precision of matrix products for 512 rows and more.
        format: File format.
        encoding: Text encoding such as `cp1252`.
        delimiter: What stands between columns of a CSV file, one character.
        header: Whether the first line of CSV and TSV files has names of columns.
        task: Name of one of the tasks of a run that learnt several together.
        text: Column(s) with the text.
        corpus: Files with passages that a retriever is to search in place of those that it was fitted with.
        runtime: What models that write compute with.
        abstain: Confidence below which the model is not to answer, in [0, 1).
        prediction_sets: Probability with which a set of labels is to hold the true one, in (0, 1).
        beams: Texts that are followed at the same time, in [1, 64], of models that write.
        length_penalty: Power of a text's length that its log-probability is divided by, in [-10, 10], of models
            that write.
        max_new_tokens: Tokens of a text at most, in [1, 100,000], of models that write.
        sampling_temperature: Over 0 models that write draw words by chance, by probabilities to the power of 1 /
            temperature.
        top_k: Draw among so many of the likeliest words, in [0, 1,000,000], in models that write.
        top_p: Draw among the likeliest words that have this probability together, in (0, 1], in models that write.
        sampling_seed: Seed of what is drawn in models that write, in [0, 4294967295].
        no_repeat_ngram: Tokens in a row that may not occur twice in a text, in [0, 100], of models that write.
        labels: Labels to choose from by their names alone, such as `good,bad`, in the place of a run.
        several: Give each text any number of the `labels` that are named, each by itself.
        spans: Give words of each text the `labels` that are named, as types of spans such as `person,place`.
        input: File with a text column, or `-` for lines on standard input.
        output: File to write.
        best: Answers, passages or texts listed for each input at most, in [1, 100], of models that find or write
            these.
        max_answer: Words of an answer at most, in [1, 10000], of models that find answers in texts.
        stream: Answer each line of standard input as it comes, and say at the end how long answers took.
        why: Say of each word how much it mattered, of models that give texts labels or a number.
        why_by: How words are weighed.
        overwrite: Replace the output file.
        backbone: A known name (`mini`, English.
        revision: Hub revision.
        max_length: Tokens read of each text, special tokens included, at least 8.
    """

def evaluate(
    model: str | Path,
    test: str | Path,
    *,
    progress: Progress = ...,
    threads: int | None = ...,
    device: Literal["auto", "cpu", "cuda"] | None = ...,
    precision: Literal["auto", "bfloat16", "float32"] | None = ...,
    format: Literal["conll", "conllu", "csv", "tsv", "jsonl", "parquet", "tmx"] | None = ...,
    encoding: str | None = ...,
    delimiter: str | None = ...,
    header: bool | None = ...,
    task: str | None = ...,
    text: Sequence[str] | str | None = ...,
    corpus: str | None = ...,
    runtime: Literal["auto", "torch", "ctranslate2"] | None = ...,
    abstain: float | None = ...,
    prediction_sets: float | None = ...,
    by: Sequence[str] | str | None = ...,
    label: str | None = ...,
    group_column: str | None = ...,
    reader: str | None = ...,
    passages: int | None = ...,
    passage_weight: float | None = ...,
) -> dict[str, Any]:
    """Score a model on labelled rows, by group with `by=`.

    Options are those of `headstart evaluate --help-all`; `headstart explain NAME` tells all of one.

    Args:
        progress: Told what happens; silent by default.
        threads: CPU threads.
        device: Where networks compute.
        precision: Precision of matrix products for 512 rows and more.
        format: File format.
        encoding: Text encoding such as `cp1252`.
        delimiter: What stands between columns of a CSV file, one character.
        header: Whether the first line of CSV and TSV files has names of columns.
        task: Name of one of the tasks of a run that learnt several together.
        text: Column(s) with the text.
        corpus: Files with passages that a retriever is to search in place of those that it was fitted with.
        runtime: What models that write compute with.
        abstain: Confidence below which the model is not to answer, in [0, 1).
        prediction_sets: Probability with which a set of labels is to hold the true one, in (0, 1).
        by: Columns by whose values scores are given too.
        label: Column with the label.
        group_column: Column whose equal values belong together, such as a customer or an author, and are resampled
            as one for intervals and p-values.
        reader: Folder of a run that answers questions, where `model` is an index.
        passages: Passages of an index that are read for each question, in [1, 1000].
        passage_weight: How much the order of passages counts against what the reader says, at least 0, see `ask`.
    """

def audit(
    model: str | Path,
    test: str | Path,
    *,
    progress: Progress = ...,
    threads: int | None = ...,
    device: Literal["auto", "cpu", "cuda"] | None = ...,
    precision: Literal["auto", "bfloat16", "float32"] | None = ...,
    format: Literal["conll", "conllu", "csv", "tsv", "jsonl", "parquet", "tmx"] | None = ...,
    encoding: str | None = ...,
    delimiter: str | None = ...,
    header: bool | None = ...,
    task: str | None = ...,
    text: Sequence[str] | str | None = ...,
    corpus: str | None = ...,
    runtime: Literal["auto", "torch", "ctranslate2"] | None = ...,
    abstain: float | None = ...,
    prediction_sets: float | None = ...,
    label: str | None = ...,
    group_column: str | None = ...,
    by: Sequence[str] | str | None = ...,
    swap: str | None = ...,
    typos: str | None = ...,
    typo_rates: Sequence[float] | float | None = ...,
    forms: Sequence[str] | str | None = ...,
    contrast: str | None = ...,
    sentence_pairs: str | None = ...,
    templates: str | None = ...,
    tests: Mapping[str, str] | str | None = ...,
    baseline: str | None = ...,
    positive_label: str | None = ...,
    least_rows: int | None = ...,
    most_rows: int | None = ...,
    most_copies: int | None = ...,
    seed: int | None = ...,
    output: str | None = ...,
    overwrite: bool | None = ...,
) -> dict[str, Any]:
    """Whom a trained model treats worse, and what breaks it: groups, swapped terms, typos, contrast sets.

    Options are those of `headstart audit --help-all`; `headstart explain NAME` tells all of one.

    Args:
        progress: Told what happens; silent by default.
        threads: CPU threads.
        device: Where networks compute.
        precision: Precision of matrix products for 512 rows and more.
        format: File format.
        encoding: Text encoding such as `cp1252`.
        delimiter: What stands between columns of a CSV file, one character.
        header: Whether the first line of CSV and TSV files has names of columns.
        task: Name of one of the tasks of a run that learnt several together.
        text: Column(s) with the text.
        corpus: Files with passages that a retriever is to search in place of those that it was fitted with.
        runtime: What models that write compute with.
        abstain: Confidence below which the model is not to answer, in [0, 1).
        prediction_sets: Probability with which a set of labels is to hold the true one, in (0, 1).
        label: Column with the label.
        group_column: Column whose equal values belong together, such as a customer or an author, and are resampled
            as one for intervals and p-values.
        by: Columns whose values are groups that are compared, such as `region,age`.
        swap: File with lists of terms that could stand for each other, such as names of groups of people.
        typos: Misspell words.
        typo_rates: Shares of the words that are misspelt, each in (0, 1].
        forms: Other forms of the texts that should make no difference.
        contrast: File with rows and copies that were changed a little so that another label is right.
        sentence_pairs: File with pairs of sentences that differ in whom they speak of, as those of CrowS-Pairs and
            WinoBias.
        templates: YAML or JSON file with tests made of templates, such as negations.
        tests: Files with more labelled rows, by name, such as `shop=shop.csv,film=film.csv`.
        baseline: Folder of another run, such as one of `tf-idf`, that the same is measured of and that the model is
            held against.
        positive_label: Label that groups, terms and pairs are followed by, such as `toxic`.
        least_rows: Rows below which a group is named and not scored, in [2, 100000].
        most_rows: Rows whose changed texts are read at most, a sample by the seed, in [20, 100000].
        most_copies: Copies of a row with other terms at most for each list, in [1, 1000].
        seed: Seed of what is drawn, in [0, 4294967295].
        output: Folder for what was found, with a page.
        overwrite: Replace the output folder if headstart wrote it.
    """

def export(
    model: str | Path,
    *,
    progress: Progress = ...,
    format: Literal["conll", "conllu", "csv", "tsv", "jsonl", "parquet", "tmx"] | None = ...,
    encoding: str | None = ...,
    delimiter: str | None = ...,
    header: bool | None = ...,
    to: Literal["ctranslate2"] | None = ...,
    int8: bool | None = ...,
    quantization: Literal["float32", "int8", "int16", "bfloat16", "float16"] | None = ...,
    data: str | None = ...,
    threads: int | None = ...,
    output: str | None = ...,
    overwrite: bool | None = ...,
) -> dict[str, Any]:
    """Keep a model that writes for a faster runtime, once it writes the same there.

    Options are those of `headstart export --help-all`; `headstart explain NAME` tells all of one.

    Args:
        progress: Told what happens; silent by default.
        format: File format.
        encoding: Text encoding such as `cp1252`.
        delimiter: What stands between columns of a CSV file, one character.
        header: Whether the first line of CSV and TSV files has names of columns.
        to: Runtime that the network is kept for.
        int8: Keep weights as integers of 8 bits.
        quantization: Kind of numbers that weights are kept in.
        data: File with texts that both write for, to be compared, with references beside them or without.
        threads: CPU threads.
        output: Folder to write.
        overwrite: Replace an earlier export.
    """

def index(
    sources: str | Path | Sequence[str | Path],
    *,
    progress: Progress = ...,
    add: Sequence[str] | str | None = ...,
    remove: Sequence[str] | str | None = ...,
    retriever: Literal["bm25", "dense", "hybrid"] | None = ...,
    fusion: Literal["sum", "ranks"] | None = ...,
    dense_weight: float | None = ...,
    query_prompt: str | None = ...,
    passage_prompt: str | None = ...,
    passage_tokens: int | None = ...,
    passage_overlap: int | None = ...,
    language: str | None = ...,
    k1: float | None = ...,
    b: float | None = ...,
    text: str | None = ...,
    id: str | None = ...,
    title: str | None = ...,
    encoding: str | None = ...,
    threads: int | None = ...,
    device: Literal["auto", "cpu", "cuda"] | None = ...,
    precision: Literal["auto", "bfloat16", "float32"] | None = ...,
    output: str | None = ...,
    overwrite: bool | None = ...,
    backbone: str | Keys | None = ...,
    revision: str | None = ...,
    max_length: int | None = ...,
) -> dict[str, Any]:
    """Documents to a folder that can be searched by words and vectors.

    Options are those of `headstart index --help-all`; `headstart explain NAME` tells all of one.

    Args:
        progress: Told what happens; silent by default.
        add: Files, folders and globs whose documents come into an index that is there.
        remove: Ids of passages, or names of documents, that are taken out of an index that is there.
        retriever: What ranks.
        fusion: How both rankings of `hybrid` become one.
        dense_weight: Weight of vectors in that sum, in [0, 1].
        query_prompt: What stands in front of each query when the network reads it, such as `query.
        passage_prompt: What stands in front of each passage, such as `passage.
        passage_tokens: Tokens of a passage at most, words for `bm25`.
        passage_overlap: Tokens of the passage before that are repeated at most, whole sentences where one fits.
        language: Language of the documents, whose endings are cut off words for BM25, or `none`.
        k1: How soon more of the same word count for less in BM25, at least 0.
        b: How much the length of a passage is held against it in BM25, in [0, 1].
        text: Column of tables with the text.
        id: Column of tables with the name of each row.
        title: Column of tables with a title that is searched too.
        encoding: Encoding of the files, such as `cp1252`.
        threads: CPU threads.
        device: Where the network computes.
        precision: Precision of matrix products while passages are read.
        output: Folder of a new index.
        overwrite: Replace the index in the output folder.
        backbone: A known name (`mini`, English.
        revision: Hub revision.
        max_length: Tokens read of each text, special tokens included, at least 8.
    """

def search(
    index: str | Path,
    query: str | Sequence[str] = (),
    *,
    progress: Progress = ...,
    format: Literal["conll", "conllu", "csv", "tsv", "jsonl", "parquet", "tmx"] | None = ...,
    encoding: str | None = ...,
    delimiter: str | None = ...,
    header: bool | None = ...,
    input: str | None = ...,
    text: str | None = ...,
    best: int | None = ...,
    output: str | None = ...,
    overwrite: bool | None = ...,
    backbone: str | None = ...,
    threads: int | None = ...,
) -> dict[str, Any]:
    """The best passages of an index for queries, or for a file of them (`input=`).

    Options are those of `headstart search --help-all`; `headstart explain NAME` tells all of one.

    Args:
        progress: Told what happens; silent by default.
        format: File format.
        encoding: Text encoding such as `cp1252`.
        delimiter: What stands between columns of a CSV file, one character.
        header: Whether the first line of CSV and TSV files has names of columns.
        input: File with a column of queries, or `-` for lines on standard input.
        text: Column with the query.
        best: Passages for each query at most.
        output: File to write.
        overwrite: Replace the output file.
        backbone: Where the network of the index is now, if it was moved.
        threads: CPU threads.
    """

def ask(
    index: str | Path,
    query: str | Sequence[str] = (),
    *,
    progress: Progress = ...,
    format: Literal["conll", "conllu", "csv", "tsv", "jsonl", "parquet", "tmx"] | None = ...,
    encoding: str | None = ...,
    delimiter: str | None = ...,
    header: bool | None = ...,
    reader: str | None = ...,
    input: str | None = ...,
    text: str | None = ...,
    best: int | None = ...,
    passages: int | None = ...,
    passage_weight: float | None = ...,
    max_answer: int | None = ...,
    abstain: float | None = ...,
    backbone: str | None = ...,
    threads: int | None = ...,
) -> dict[str, Any]:
    """Answers from the passages of an index to questions, or to those of a file (`input=`).

    Options are those of `headstart ask --help-all`; `headstart explain NAME` tells all of one.

    Args:
        progress: Told what happens; silent by default.
        format: File format.
        encoding: Text encoding such as `cp1252`.
        delimiter: What stands between columns of a CSV file, one character.
        header: Whether the first line of CSV and TSV files has names of columns.
        reader: Folder of a run that answers questions about texts.
        input: File with a column of questions, or `-` for lines on standard input.
        text: Column with the question.
        best: Answers listed for each question at most.
        passages: Passages that are found and read for each question, in [1, 1000].
        passage_weight: How much the order of passages counts against what the reader says, at least 0.
        max_answer: Words of an answer at most, in [1, 10000].
        abstain: Score below which no answer is given, in [0, 1).
        backbone: Where the network of the index is now, if it was moved.
        threads: CPU threads.
    """

def chat(
    model: str | Path,
    messages: str | Sequence[str],
    *,
    progress: Progress = ...,
    threads: int | None = ...,
    device: Literal["auto", "cpu", "cuda"] | None = ...,
    precision: Literal["auto", "bfloat16", "float32"] | None = ...,
    beams: int | None = ...,
    length_penalty: float | None = ...,
    max_new_tokens: int | None = ...,
    sampling_temperature: float | None = ...,
    top_k: int | None = ...,
    top_p: float | None = ...,
    sampling_seed: int | None = ...,
    no_repeat_ngram: int | None = ...,
    system: str | None = ...,
    history: str | None = ...,
    save: str | None = ...,
) -> dict[str, Any]:
    """A conversation with a model of dialogues.

    Options are those of `headstart chat --help-all`; `headstart explain NAME` tells all of one.

    Args:
        progress: Told what happens; silent by default.
        threads: CPU threads.
        device: Where networks compute.
        precision: Precision of matrix products for 512 rows and more.
        beams: Texts that are followed at the same time, in [1, 64], of models that write.
        length_penalty: Power of a text's length that its log-probability is divided by, in [-10, 10], of models
            that write.
        max_new_tokens: Tokens of a text at most, in [1, 100,000], of models that write.
        sampling_temperature: Over 0 models that write draw words by chance, by probabilities to the power of 1 /
            temperature.
        top_k: Draw among so many of the likeliest words, in [0, 1,000,000], in models that write.
        top_p: Draw among the likeliest words that have this probability together, in (0, 1], in models that write.
        sampling_seed: Seed of what is drawn in models that write, in [0, 4294967295].
        no_repeat_ngram: Tokens in a row that may not occur twice in a text, in [0, 100], of models that write.
        system: What the system says in front of the conversation.
        history: File with a conversation that is gone on with, as `save` writes it (JSON lines, the last one
            counts).
        save: File that the conversation is added to at its end, as a line of JSON with `messages`.
    """

def import_model(
    file: str | Path,
    *,
    progress: Progress = ...,
    output: str | None = ...,
    overwrite: bool | None = ...,
) -> dict[str, Any]:
    """A network in a GGUF file to a folder in the hub's format.

    Options are those of `headstart import --help-all`; `headstart explain NAME` tells all of one.

    Args:
        progress: Told what happens; silent by default.
        output: Folder to write.
        overwrite: Replace the folder if headstart wrote it.
    """

def trim(
    backbone: str | Path, texts: str | Path | Sequence[str | Path],
    *,
    progress: Progress = ...,
    held_out: Sequence[str] | str | None = ...,
    least_count: int | None = ...,
    most_pieces: int | None = ...,
    output: str | None = ...,
    overwrite: bool | None = ...,
    revision: str | None = ...,
    max_length: int | None = ...,
    documents: Literal["auto", "file", "paragraph", "line"] | None = ...,
    column: str | None = ...,
    encoding: str | None = ...,
    near_duplicates: float | None = ...,
) -> dict[str, Any]:
    """A network with the pieces of its vocabulary that some texts need.

    Options are those of `headstart trim --help-all`; `headstart explain NAME` tells all of one.

    Args:
        progress: Told what happens; silent by default.
        held_out: Files with texts on which it is measured how they are cut up before and after.
        least_count: Times that a piece has to occur in the texts to be kept, at least 1.
        most_pieces: Pieces that are kept at most for the texts, the most frequent ones, at least 1.
        output: Folder to write.
        overwrite: Replace the folder if headstart wrote it.
        revision: Hub revision.
        max_length: Tokens read of each text, special tokens included, at least 8.
        documents: What one document is in plain text.
        column: Column of tables with the text.
        encoding: Encoding of the files, such as `cp1252`.
        near_duplicates: Share of word 5-grams in common, in (0, 1), from which on a document counts as a copy of an
            earlier one and is left out.
    """

def rank(
    data: TableLike,
    *,
    progress: Progress = ...,
    format: Literal["conll", "conllu", "csv", "tsv", "jsonl", "parquet", "tmx"] | None = ...,
    encoding: str | None = ...,
    delimiter: str | None = ...,
    header: bool | None = ...,
    task: TaskName | str | Keys | None = ...,
    backbones: str | Sequence[str | Keys] | None = ...,
    by: Literal["logme", "h-score", "neighbours", "probe"] | None = ...,
    states: Literal["best", "mean", "last"] | None = ...,
    most_rows: int | None = ...,
    seed: int | None = ...,
    threads: int | None = ...,
    device: Literal["auto", "cpu", "cuda"] | None = ...,
    precision: Literal["auto", "bfloat16", "float32"] | None = ...,
    cache: bool | None = ...,
    output: str | None = ...,
    overwrite: bool | None = ...,
    text: Sequence[str] | str | None = ...,
    label: str | None = ...,
    labels: Sequence[str] | str | None = ...,
    metric: str | None = ...,
    mask_terms: Mapping[str, Sequence[str]] | None = ...,
    mask_word: str | None = ...,
    weight: str | None = ...,
    class_weight: Literal["balanced"] | Mapping[str, float] | None = ...,
    merge_labels: bool | None = ...,
    drop_rare_labels: bool | None = ...,
    long: Literal["truncate", "window"] | None = ...,
    separator: Literal["json", "|", ";", ",", "#", "newline", "space"] | None = ...,
    encoder: Literal["bi", "cross"] | None = ...,
    scheme: Literal["iob1", "iob2", "bioes", "plain"] | None = ...,
    crf: bool | None = ...,
) -> dict[str, Any]:
    """Which backbone suits labelled rows, and which of its layers, without training.

    Options are those of `headstart rank --help-all`; `headstart explain NAME` tells all of one.

    Args:
        progress: Told what happens; silent by default.
        format: File format.
        encoding: Text encoding such as `cp1252`.
        delimiter: What stands between columns of a CSV file, one character.
        header: Whether the first line of CSV and TSV files has names of columns.
        task: What is to be learnt, by the name that the hub has for it (`headstart list tasks`).
        backbones: Pretrained networks, each by its name, hub id or folder (an earlier run too), at most 100.
        by: The score that gives the order.
        states: The states that a backbone is judged by.
        most_rows: Rows that states are scored on at most, a sample stratified by label, in [20, 20000].
        seed: Seed of the sample and of the folds, in [0, 2^32).
        threads: CPU threads.
        device: Where networks compute.
        precision: Precision of matrix products.
        cache: Keep the states on disk, so that they are not computed again.
        output: Folder for the ranking, with a page.
        overwrite: Replace the output folder if headstart wrote it.
        text: Column(s) with the text.
        label: Column with the label.
        labels: Labels in the order of the outputs, such as `good,bad`.
        metric: Score by which choices are made on validation, one of those that the task is judged by (`headstart
            list metrics`).
        mask_terms: File with terms that the model is not to read, such as names of groups of people, or these as
            lists by name.
        mask_word: Word that stands in their place.
        weight: Column with how much each row counts in training, numbers over 0.
        class_weight: Weight of each class in training.
        merge_labels: Merge labels that differ only by case, white space or as 1 and 1.0 do into the most frequent
            spelling.
        drop_rare_labels: Leave out labels of a single example instead of stopping.
        long: What happens to a text of more tokens than the network reads.
        separator: What parts the labels of a cell.
        encoder: `bi` reads the two texts apart, and their cosine tells.
        scheme: In which tags are written.
        crf: Learn how well each tag follows the one before it, too.
    """

def check(
    data: TableLike,
    *,
    progress: Progress = ...,
    strategy: StrategyName | str | Keys | None = ...,
    format: Literal["conll", "conllu", "csv", "tsv", "jsonl", "parquet", "tmx"] | None = ...,
    encoding: str | None = ...,
    delimiter: str | None = ...,
    header: bool | None = ...,
    validation: str | None = ...,
    test: str | None = ...,
    target: str | None = ...,
    target_test: str | None = ...,
    tests: Mapping[str, str] | str | None = ...,
    corpus: str | None = ...,
    out_of_scope_label: str | None = ...,
    group_column: str | None = ...,
    task: TaskName | str | Keys | None = ...,
    near_duplicates: float | None = ...,
    noise: bool | None = ...,
    self_test: bool | None = ...,
    strategies: str | Sequence[StrategyName | str | Keys] | None = ...,
    label_folds: int | None = ...,
    most_rows: int | None = ...,
    most_doubtful: int | None = ...,
    strict: bool | None = ...,
    fix: str | None = ...,
    drop_doubtful: float | None = ...,
    seed: int | None = ...,
    threads: int | None = ...,
    device: Literal["auto", "cpu", "cuda"] | None = ...,
    precision: Literal["auto", "bfloat16", "float32"] | None = ...,
    cache: bool | None = ...,
    output: str | None = ...,
    overwrite: bool | None = ...,
    backbone: str | Keys | None = ...,
    revision: str | None = ...,
    max_length: int | None = ...,
    epochs: int | None = ...,
    learning_rate: float | None = ...,
    batch_size: int | None = ...,
    warmup: float | None = ...,
    weight_decay: float | None = ...,
    max_grad_norm: float | None = ...,
    patience: int | None = ...,
    stop_after: int | None = ...,
    sample: int | None = ...,
    checkpoint_every: float | str | None = ...,
    text: Sequence[str] | str | None = ...,
    label: str | None = ...,
    labels: Sequence[str] | str | None = ...,
    metric: str | None = ...,
    beams: int | None = ...,
    length_penalty: float | None = ...,
    longest: float | None = ...,
    max_new_tokens: int | None = ...,
    sampling_temperature: float | None = ...,
    top_k: int | None = ...,
    top_p: float | None = ...,
    sampling_seed: int | None = ...,
    no_repeat_ngram: int | None = ...,
    template: Literal["own", "chatml", "plain"] | None = ...,
    best: int | None = ...,
    reference: Sequence[str] | str | None = ...,
    source_language: str | None = ...,
    target_language: str | None = ...,
    mask_terms: Mapping[str, Sequence[str]] | None = ...,
    mask_word: str | None = ...,
    weight: str | None = ...,
    class_weight: Literal["balanced"] | Mapping[str, float] | None = ...,
    merge_labels: bool | None = ...,
    drop_rare_labels: bool | None = ...,
    long: Literal["truncate", "window"] | None = ...,
    separator: Literal["json", "|", ";", ",", "#", "newline", "space"] | None = ...,
    answer_start: str | None = ...,
    no_answer: Literal["auto", "always", "never"] | None = ...,
    max_answer: int | None = ...,
    normalise: Literal["squad", "mlqa"] | None = ...,
    answer_language: Literal["ar", "de", "en", "es", "hi", "vi", "zh"] | None = ...,
    turns: int | None = ...,
    reply_role: Literal["any", "assistant"] | None = ...,
    passage_id: str | None = ...,
    grade: str | None = ...,
    encoder: Literal["bi", "cross"] | None = ...,
    scheme: Literal["iob1", "iob2", "bioes", "plain"] | None = ...,
    crf: bool | None = ...,
    then: StrategyName | str | Keys | None = ...,
    back_epochs: int | None = ...,
    back_temperature: float | None = ...,
    back_top_k: int | None = ...,
    tag: str | None = ...,
    top_layers: Literal["all"] | int | None = ...,
    scale: float | None = ...,
    symmetric: bool | None = ...,
    negatives: Literal["near", "mined", "bm25", "in-batch"] | None = ...,
    per_question: int | None = ...,
    margin: float | None = ...,
    widths: Sequence[int] | int | None = ...,
    width: int | None = ...,
    int8: bool | None = ...,
    vector_tokens: int | None = ...,
    stemmer: str | None = ...,
    k1: float | None = ...,
    b: float | None = ...,
    loss: Literal["supervised", "pairs"] | None = ...,
    temperature: float | None = ...,
    updates: int | None = ...,
    label_names: bool | None = ...,
    C: float | None = ...,
    layers: Sequence[int] | int | Literal["all"] | None = ...,
    pooling: Literal["first", "mean", "last"] | None = ...,
    regularisation: float | None = ...,
    match_means: bool | None = ...,
    variance: float | None = ...,
    teacher_model: str | None = ...,
    key_file: str | None = ...,
    key_env: str | None = ...,
    allow_remote: bool | None = ...,
    max_requests: int | None = ...,
    max_total_tokens: int | None = ...,
    max_cost: float | None = ...,
    price_in: float | None = ...,
    price_out: float | None = ...,
    request_rate: float | None = ...,
    concurrency: int | None = ...,
    request_timeout: float | str | None = ...,
    answer_deadline: float | str | None = ...,
    teacher_template: str | None = ...,
    teacher_instruction: str | None = ...,
    teacher_words: Mapping[str, str] | str | None = ...,
    teacher: Sequence[str] | str | Keys | None = ...,
    student: str | Keys | None = ...,
    student_layers: int | Sequence[int] | None = ...,
    student_start: Literal["teacher", "backbone"] | None = ...,
    distillation_temperature: float | None = ...,
    mix: float | None = ...,
    ask: int | None = ...,
    ask_by: Literal["random", "uncertainty", "diversity"] | None = ...,
    teacher_gate: bool | None = ...,
    gate: bool | None = ...,
    gate_seeds: int | None = ...,
    gate_folds: int | None = ...,
    texts: Sequence[str] | str | None = ...,
    own_texts: bool | None = ...,
    objective: ObjectiveName | str | Keys | None = ...,
    text_updates: int | None = ...,
    text_learning_rate: float | None = ...,
    text_batch: int | None = ...,
    text_l2_sp: float | None = ...,
    head: Literal["auto", "native", "mean"] | None = ...,
    head_first: bool | None = ...,
    layer_decay: float | None = ...,
    unfreezing: Literal["at-once", "gradual"] | None = ...,
    embeddings: bool | None = ...,
    dropout: float | None = ...,
    hidden_dropout: Literal["own"] | float | None = ...,
    prefix: str | None = ...,
    label_smoothing: float | None = ...,
    word_dropout: float | None = ...,
    rates: Sequence[float] | float | None = ...,
    passes: int | None = ...,
    compare_after: int | None = ...,
    like: str | Keys | None = ...,
    of: str | Keys | None = ...,
    dense_weight: float | None = ...,
    stone: str | None = ...,
    stone_epochs: int | None = ...,
    stone_rows: int | None = ...,
    probe_rows: int | None = ...,
    alignment_iterations: int | None = ...,
    rank: int | None = ...,
    alpha: float | None = ...,
    targets: Sequence[str] | str | None = ...,
    adapter_dropout: float | None = ...,
    candidates: int | None = ...,
    teacher_scale: float | None = ...,
    student_epochs: int | None = ...,
    student_learning_rate: float | None = ...,
    student_stop_after: int | None = ...,
    sampling_power: float | None = ...,
    most_passes: float | None = ...,
    weighting: Literal["fixed", "uncertainty"] | None = ...,
    loss_weights: Mapping[str, float] | None = ...,
    conflicts: Literal["measure", "project", "ignore"] | None = ...,
    focus: str | None = ...,
    single_runs: bool | None = ...,
    shots: int | None = ...,
    shot_selection: Literal["balanced", "random", "nearest"] | None = ...,
    prompt_template: str | None = ...,
    chat: bool | None = ...,
    instruction: str | None = ...,
    verbalizer: Mapping[str, str] | str | None = ...,
    calibration: Literal["none", "contextual", "batch", "domain-conditional"] | None = ...,
    length_normalised: bool | None = ...,
    expected_labels: float | None = ...,
    retriever: str | Keys | None = ...,
    depth: int | None = ...,
    interaction: Literal["late", "cross"] | None = ...,
    hard_negatives: int | None = ...,
    rerank_weight: float | None = ...,
    rerank_epochs: int | None = ...,
    rerank_learning_rate: float | None = ...,
    rerank_stop_after: int | None = ...,
    rounds: int | None = ...,
    confidence: float | None = ...,
    pseudo_weight: float | None = ...,
    decoder: str | None = ...,
    decoder_layers: int | None = ...,
    target_vocabulary: int | None = ...,
    encoder_rate: float | None = ...,
    average: Literal["soup", "wise"] | None = ...,
    members: int | None = ...,
    member_seeds: Sequence[int] | int | None = ...,
    member_runs: Sequence[str] | str | None = ...,
    greedy: bool | None = ...,
    end_share: float | None = ...,
    descriptions: Mapping[str, str] | str | None = ...,
    describe: str | None = ...,
    clusters: bool | None = ...,
    entailment: str | None = ...,
    entailment_label: str | None = ...,
    hypothesis_template: str | None = ...,
    embedding_backbone: str | None = ...,
    training: Keys | None = ...,
) -> dict[str, Any]:
    """What is wrong with labelled data, and which labels are likely wrong.

    Options are those of `headstart check --help-all`; `headstart explain NAME` tells all of one.

    Args:
        progress: Told what happens; silent by default.
        strategy: One way of transferring; by default several are tried.
        format: File format.
        encoding: Text encoding such as `cp1252`.
        delimiter: What stands between columns of a CSV file, one character.
        header: Whether the first line of CSV and TSV files has names of columns.
        validation: File with rows to make choices on.
        test: File with rows to report scores on.
        target: File with texts of another domain that the model is for, without labels.
        target_test: File with labelled rows of that other domain.
        tests: Files with more rows to report scores on, by name, such as `shop=shop.csv,film=film.csv`.
        corpus: Files with the passages that are searched, of the task retrieval.
        out_of_scope_label: Label of rows that are examples of texts out of scope, such as `oos`, as `fit` has it.
        group_column: Column whose equal values belong together, such as a customer or an author.
        task: What is to be learnt, by the name that the hub has for it (`headstart list tasks`).
        near_duplicates: Share of word 5-grams in common, in (0, 1), from which on texts are near copies.
        noise: Rank rows by how likely their label is wrong, by models that were not fitted on them.
        self_test: Change some labels in a copy in memory and count how many come to the top, which takes as long as
            the ranking.
        strategies: Strategies that labels are judged by, by name.
        label_folds: Folds in which strategies are fitted without the rows that they judge, in [2, 20].
        most_rows: Training rows whose labels are judged at most, a sample stratified by label, in [50, 200000].
        most_doubtful: Rows that are listed, the most doubtful first, and whose share of wrong labels is promised,
            in [1, 10000].
        strict: End with exit code 65 where there is a finding that is more than a note.
        fix: File for a cleaned copy of the training rows, such as cleaned.csv.
        drop_doubtful: Probability of a wrong label from which on rows are left out of the cleaned copy too, in (0,
            1].
        seed: Seed of the sample, of the folds and of the labels that the self-test changes, in [0, 2^32).
        threads: CPU threads.
        device: Where networks compute.
        precision: Precision of matrix products.
        cache: Keep the states on disk, so that they are not computed again.
        output: Folder for the findings, with a page and a table of the rows.
        overwrite: Replace the output folder if headstart wrote it, and the cleaned copy.
        backbone: A known name (`mini`, English.
        revision: Hub revision.
        max_length: Tokens read of each text, special tokens included, at least 8.
        epochs: Passes over the training rows, in [1, 1000].
        learning_rate: Highest learning rate, in (0, 1].
        batch_size: Rows per update on average, in [1, 4096].
        warmup: Share of updates during which the learning rate rises, in [0, 1).
        weight_decay: Decoupled weight decay of the layers (not of heads, biases and norms), in [0, 1].
        max_grad_norm: Gradients are scaled down to this norm, over 0.
        patience: Epochs without improvement on validation after which training stops, at least 1.
        stop_after: Epoch after which training ends though the learning rate's schedule spans all `epochs`, in [1,
            1000].
        sample: Training rows that a strategy learns from at most, at least 2, drawn at random.
        checkpoint_every: Time between two checkpoints, such as `30s` or `5m`.
        text: Column(s) with the text.
        label: Column with the label.
        labels: Labels in the order of the outputs, such as `good,bad`.
        metric: Score by which choices are made on validation, one of those that the task is judged by (`headstart
            list metrics`).
        beams: Texts that are followed at the same time, in [1, 64].
        length_penalty: Power of a text's length that its log-probability is divided by, in [-10, 10].
        longest: Tokens that a text may have for each token of its input, beside a few, in (0, 100].
        max_new_tokens: Tokens of a text at most, in [1, 100,000], whatever its input.
        sampling_temperature: Over 0 words are drawn by chance, by probabilities to the power of 1 / temperature.
        top_k: Draw among so many of the likeliest words (Fan et al.
        top_p: Draw among the likeliest words that have this probability together (Holtzman et al.
        sampling_seed: Seed of what is drawn, in [0, 4294967295].
        no_repeat_ngram: Tokens in a row that may not occur twice in a text (Paulus et al.
        template: Chat template that makes text of dialogues.
        best: Answers or passages that a prediction lists at most, the best one included, in [1, 100].
        reference: Column(s) with the text that is to be written, the first one learnt from (`summary` or
            `ref1,ref2`).
        source_language: Code of the language that is read, such as `en`, `eng` or `en-GB`.
        target_language: Code of the language that is written, such as `de`.
        mask_terms: File with terms that the model is not to read, such as names of groups of people, or these as
            lists by name.
        mask_word: Word that stands in their place.
        weight: Column with how much each row counts in training, numbers over 0.
        class_weight: Weight of each class in training.
        merge_labels: Merge labels that differ only by case, white space or as 1 and 1.0 do into the most frequent
            spelling.
        drop_rare_labels: Leave out labels of a single example instead of stopping.
        long: What happens to a text of more tokens than the network reads.
        separator: What parts the labels of a cell.
        answer_start: Column with the place of the answer's first character in the context, from 0.
        no_answer: Whether the model may say that a context has no answer.
        max_answer: Words of an answer at most, in [1, 10000].
        normalise: How answers are made comparable before they are scored.
        answer_language: Language of the answers under `normalise.
        turns: Turns before a reply that are read, the last ones, in [1, 100].
        reply_role: Whose turns are replies.
        passage_id: Column with ids of passages beside their texts.
        grade: Column with numbers that say how well a passage answers, over 0 where it does.
        encoder: `bi` reads the two texts apart, and their cosine tells.
        scheme: In which tags are written.
        crf: Learn how well each tag follows the one before it, too.
        then: Strategy that is fitted inside, by name (of back-translation, domain-adaptation, intermediate-task,
            self-training, weight-averaging).
        back_epochs: Passes over the pairs of the model of the other direction, in [1, 1000] (of back-translation).
        back_temperature: Over 0 the inputs that are made up are drawn by chance, by probabilities to the power of 1
            / temperature (Edunov et al (of back-translation).
        back_top_k: Over 0 they are drawn among so many of the likeliest words, in [0, 1,000,000] (of back-
            translation).
        tag: What stands in front of an input that was made up, so that it can be told from a real one (of back-
            translation).
        top_layers: `all`, or how many of the top layers move, at least 1 (of bi-encoder, contrastive).
        scale: What cosines are multiplied by in the loss, in (0, 1000] (of bi-encoder).
        symmetric: Let passages pick their question too (of bi-encoder).
        negatives: Passages that do not answer (of bi-encoder).
        per_question: Negatives of each question beside those of its batch, in [1, 32], where they are `mined` or by
            `bm25` (of bi-encoder).
        margin: By how much the cosine of a mined negative is lower than that of the right passage, in [0, 2] (of
            bi-encoder).
        widths: Lengths of vectors that are learnt to do alone too, such as 192 and 96 (Kusupati et al (of bi-
            encoder).
        width: Numbers of a vector that are kept, at least 1 (of bi-encoder).
        int8: Keep vectors of passages to one byte a number (of bi-encoder).
        vector_tokens: Tokens of a stretch of a passage that has a vector of its own, the best of which counts, at
            least 2, or 0 for one vector of the whole passage (of bi-encoder).
        stemmer: Whose endings are cut off words (Snowball), or `none` (of bm25).
        k1: How soon more of the same word count for less, in [0, 100] (of bm25).
        b: How much the length of a passage is held against it, in [0, 1] (of bm25).
        loss: `supervised` (of contrastive).
        temperature: What cosines are divided by in the supervised loss, in (0, 10] (of contrastive).
        updates: Updates where `training.epochs` is not given, at least 1 (of contrastive).
        label_names: Learn from the labels' own words too, as three more texts per label (of contrastive, feature-
            extraction).
        C: Inverse strength of regularisation, in [1e-15, 1e15] (of contrastive, coral, feature-extraction, tf-idf).
        layers: States read side by side, 0 for the embeddings up to the number of layers (of coral, feature-
            extraction, fine-tuning, multi-task).
        pooling: How tokens become one vector (of coral, feature-extraction).
        regularisation: Added to the variance of every (standardised) feature before whitening and colouring, in
            [1e-15, 1e15] (of coral).
        match_means: Align the means of the features too, for a target domain in which labels are as frequent as in
            training (of coral).
        variance: Inverse strength of the L2 penalty on weights, over 0 (of crf, word-overlap).
        teacher_model: The model that an endpoint is asked for, where the teacher is the address of one (of
            distillation).
        key_file: A file that holds the endpoint's key and nothing else (of distillation).
        key_env: An environment variable that holds the endpoint's key (of distillation).
        allow_remote: Let texts leave this machine (of distillation).
        max_requests: Requests at most, tries that fail and those before an interruption included (of distillation).
        max_total_tokens: Tokens at most that an endpoint reads and writes together (of distillation).
        max_cost: What all requests may cost at most, in the currency of the prices, over 0 (of distillation).
        price_in: Price of a million tokens that an endpoint reads, at least 0 (of distillation).
        price_out: Price of a million tokens that an endpoint writes, at least 0 (of distillation).
        request_rate: Requests per minute at most, over 0 (of distillation).
        concurrency: Requests that are under way at the same time, in [1, 64] (of distillation).
        request_timeout: Seconds that one request may take, in (0, 3600] (of distillation).
        answer_deadline: Seconds that one answer may take with all its requests and the pauses between them, in (0,
            86400] (of distillation).
        teacher_template: What an endpoint is asked about each text, with `{text}`, or `{first}` and `{second}` of
            pairs, and `{labels}` for their words (of distillation).
        teacher_instruction: What stands in front of everything that an endpoint is asked (of distillation).
        teacher_words: Words that stand for labels where an endpoint is asked (of distillation).
        teacher: What teaches (of distillation, margin-mse).
        student: Strategy that trains the student, by name (of distillation).
        student_layers: Layers of the student (of distillation).
        student_start: Network whose layers these are (of distillation).
        distillation_temperature: Temperature that both distributions are softened by, in (0, 100] (of
            distillation).
        mix: Share of the loss on true labels, in [0, 1] (of distillation).
        ask: Texts of `--target` that the teacher is asked about at most (of distillation).
        ask_by: How these are chosen (of distillation).
        teacher_gate: Keep what was taught only if validation gains by it (of distillation).
        gate: Keep what was added only if validation bears it out (of domain-adaptation, intermediate-task, weight-
            averaging).
        gate_seeds: Fits with and without that the gate compares, each pair with a seed of its own, in [1, 20] (of
            domain-adaptation, intermediate-task).
        gate_folds: Folds of cross-validation on the training rows that the gate judges by, in [2, 20] (of domain-
            adaptation, intermediate-task).
        texts: Raw text of the domain (of domain-adaptation).
        own_texts: Learn from the training rows' texts too, and from those of the target domain where there are any
            (of domain-adaptation).
        objective: `masked-lm`, `causal-lm` or `simcse` (of domain-adaptation).
        text_updates: Steps of the optimiser on raw text, at least 1 (of domain-adaptation).
        text_learning_rate: Highest learning rate on raw text, in (0, 1] (of domain-adaptation).
        text_batch: Tokens per update on raw text, at least 8 (of domain-adaptation).
        text_l2_sp: Pull towards the weights before, against forgetting, at least 0 (L2-SP (of domain-adaptation).
        head: What the head reads (of fine-tuning, lora, multi-task).
        head_first: Solve the head on frozen features before anything moves (of fine-tuning, lora, multi-task).
        layer_decay: Share of the learning rate that the next lower layer gets, in (0, 1] (of fine-tuning, multi-
            task).
        unfreezing: `gradual` thaws one more layer every epoch, from the top (Howard & Ruder 2018, section 3.3) (of
            fine-tuning).
        embeddings: Train the word embeddings too (of fine-tuning).
        dropout: Share of the head's inputs dropped in training, in [0, 1) (of fine-tuning, lora, multi-task).
        hidden_dropout: Share of the states dropped within the network in training, in [0, 1), or `own` (of fine-
            tuning, warm-start).
        prefix: What stands in front of each text that is read, of tasks that write (of fine-tuning, lora,
            untouched).
        label_smoothing: Share of the probability that is wanted of all words alike (Szegedy et al (of fine-tuning,
            lora, warm-start).
        word_dropout: Share of the words of a text that are hidden while what is written for it is learnt, in [0, 1)
            (of fine-tuning, lora, warm-start).
        rates: Learning rates tried, each in (0, 1] (of from-scratch).
        passes: Passes over the training rows, in [1, 1000] (of from-scratch).
        compare_after: Passes after which the rates are compared and only the best one goes on, in [1, 1000] (of
            from-scratch).
        like: Strategy whose network gets random weights, of tasks that write (of from-scratch).
        of: Strategy that gives the vectors (of hybrid).
        dense_weight: Weight of vectors beside words, in [0, 1] (of hybrid).
        stone: Name of the task that is learnt first, that of its file without the ending, or `none` (of
            intermediate-task).
        stone_epochs: Epochs on the other task, in [1, 100] (of intermediate-task).
        stone_rows: Rows of the other task that are learnt from at most, drawn at random, in [16, 1,000,000] (of
            intermediate-task).
        probe_rows: Rows of each other task that the probe learns from for one epoch, where there are several, in
            [16, 100,000] (of intermediate-task).
        alignment_iterations: Rounds of expectation and maximisation, in [1, 100] (of lexicon).
        rank: Rank of the correction, in [1, 1024] (of lora).
        alpha: The correction is scaled by alpha / rank (of lora).
        targets: Ends of the names of modules that get a correction, such as `query,value` (of lora).
        adapter_dropout: Share of the correction's inputs dropped in training, in [0, 1) (of lora).
        candidates: Passages of each question that the teacher scores, in [2, 100] (of margin-mse).
        teacher_scale: What differences of cosines are multiplied by to be compared with the teacher's, in (0, 1000]
            (of margin-mse).
        student_epochs: Passes over all questions, in [1, 100], in place of `--epochs`, which are those of the
            strategies inside (of margin-mse).
        student_learning_rate: The highest learning rate of the bi-encoder, in (0, 1], in place of `--learning-rate`
            (of margin-mse).
        student_stop_after: Epoch after which it ends though the schedule goes on, at least 0 (of margin-mse).
        sampling_power: Power of a task's size by which tasks are sampled, in [0, 1] (of multi-task).
        most_passes: Passes over the rows of a task in an epoch at most, in [1, 1000] (of multi-task).
        weighting: How losses are weighed against each other (of multi-task).
        loss_weights: Factors of the losses by task, each over 0 (of multi-task).
        conflicts: What is done about gradients that pull apart (of multi-task).
        focus: Task by whose validation rows the best epoch is chosen and training is ended (of multi-task).
        single_runs: Train each task alone too, with as many passes over its rows, so that gain and harm are seen
            (of multi-task).
        shots: Examples with their answers in front of each text, in [0, 100] (of prompting).
        shot_selection: Which training rows `shots` are (of prompting).
        prompt_template: What is asked, with `{text}`, or `{first}` and `{second}` of pairs, and `{labels}` for
            their words (of prompting).
        chat: Ask as in a conversation, by the network's own chat template (of prompting).
        instruction: In front of examples and text (of prompting).
        verbalizer: Words that stand for labels (Schick and Schütze 2021, section 3) (of prompting).
        calibration: What is taken away from scores (of prompting).
        length_normalised: Means over the tokens of a label's words in place of sums (of prompting).
        expected_labels: Labels that a text has on average where it may have several, or spans of words where these
            are tagged, over 0 (of prompting, zero-shot).
        retriever: Strategy that finds the passages (of rerank).
        depth: Passages of each question that are read, in [2, 100] (of rerank).
        interaction: How question and passage meet (of rerank).
        hard_negatives: Passages that the first retriever finds and that do not answer, beside the one that does, in
            training, in [1, 32] (of rerank).
        rerank_weight: Weight of the second score beside that of the first retriever, in [0, 1] (of rerank).
        rerank_epochs: Passes over the training questions, in [1, 100], in place of `--epochs`, which are those of
            the strategy inside (of rerank).
        rerank_learning_rate: The highest learning rate of what reads again, in (0, 1], in place of `--learning-
            rate` (of rerank).
        rerank_stop_after: Epoch after which it ends though the schedule goes on, at least 0 (of rerank).
        rounds: Times that texts are labelled and learnt from, in [0, 20] (of self-training).
        confidence: Calibrated probability from which on a label is believed, in (0, 1] (of self-training).
        pseudo_weight: How much a text labelled by the model counts beside 1 of a labelled row, in (0, 100] (of
            self-training).
        decoder: Which network writes (of warm-start).
        decoder_layers: Layers of a new decoder, in [1, 100], each as wide as those of the encoder (of warm-start).
        target_vocabulary: Words that a new decoder writes at most, in [300, 250,000] (of warm-start).
        encoder_rate: Share of the learning rate that pretrained weights get, in [0, 1] (of warm-start).
        average: `soup`, the mean of trainings under several seeds, or `wise`, a point between the start and the end
            of one training (of weight-averaging).
        members: Trainings that a soup is made of, under the run's seed and those after it, in [1, 20] (of weight-
            averaging).
        member_seeds: Seeds of the trainings that a soup is made of, each in [0, 2^32) (of weight-averaging).
        member_runs: Folders of finished runs whose networks the soup is made of, 2 to 20 of them (of weight-
            averaging).
        greedy: Take into the soup only networks that make it no worse on validation, the best one first (of weight-
            averaging).
        end_share: Share of the end of training on the line from the start to it, in [0, 1] (the alpha of WiSE-FT)
            (of weight-averaging).
        descriptions: Words that stand for labels, such as `{pos (of zero-shot).
        describe: File with such words (of zero-shot).
        clusters: Whether clusters of the training texts that begin at the names take their place (of zero-shot).
        entailment: Folder of a run for pairs of texts with labels such as entailment, which is asked about each
            label in place of the backbone (Yin et al (of zero-shot).
        entailment_label: Label of that run that says that the first text entails the second (of zero-shot).
        hypothesis_template: Sentence about a label that a text may entail, with `{label}` for its words (of zero-
            shot).
        embedding_backbone: Encoder beside a decoder (of zero-shot).
        training: Settings of the training loop, of strategies that train, as a mapping of its keys.
    """

def duplicates(
    data: TableLike | Sequence[str],
    *,
    progress: Progress = ...,
    format: Literal["conll", "conllu", "csv", "tsv", "jsonl", "parquet", "tmx"] | None = ...,
    encoding: str | None = ...,
    delimiter: str | None = ...,
    header: bool | None = ...,
    text: Sequence[str] | str | None = ...,
    cache: bool | None = ...,
    seed: int | None = ...,
    threads: int | None = ...,
    device: Literal["auto", "cpu", "cuda"] | None = ...,
    precision: Literal["auto", "bfloat16", "float32"] | None = ...,
    output: str | None = ...,
    overwrite: bool | None = ...,
    threshold: Literal["auto"] | float | None = ...,
    pairs: str | None = ...,
    positive: str | None = ...,
    least_precision: float | None = ...,
    near_duplicates: float | None = ...,
    backbone: str | Keys | None = ...,
    revision: str | None = ...,
    max_length: int | None = ...,
) -> dict[str, Any]:
    """Which rows say the same, in groups.

    Options are those of `headstart duplicates --help-all`; `headstart explain NAME` tells all of one.

    Args:
        progress: Told what happens; silent by default.
        format: File format.
        encoding: Text encoding such as `cp1252`.
        delimiter: What stands between columns of a CSV file, one character.
        header: Whether the first line of CSV and TSV files has names of columns.
        text: Column(s) with the text, joined by a blank.
        cache: Keep the vectors of the texts on disk, so that they are not computed again.
        seed: Seed of all that is drawn at random, in [0, 2^32).
        threads: CPU threads.
        device: Where networks compute.
        precision: Precision of matrix products.
        output: File for the rows with what was found, such as out.csv, or a folder for that and all else.
        overwrite: Replace the output file, or the folder if headstart wrote it.
        threshold: Cosine from which on two texts are duplicates, in (0, 1].
        pairs: File with pairs of texts and whether they are duplicates, by which the threshold is chosen.
        positive: Label of the pairs that are duplicates or, where labels are numbers, the least number of such a
            pair.
        least_precision: Share of duplicates among the labelled pairs at or above the threshold, at least, in (0,
            1).
        near_duplicates: Share of word 5-grams in common, in (0, 1), from which on two texts are duplicates whatever
            their vectors.
        backbone: A known name (`mini`, English.
        revision: Hub revision.
        max_length: Tokens read of each text, special tokens included, at least 8.
    """

def cluster(
    data: TableLike | Sequence[str],
    *,
    progress: Progress = ...,
    format: Literal["conll", "conllu", "csv", "tsv", "jsonl", "parquet", "tmx"] | None = ...,
    encoding: str | None = ...,
    delimiter: str | None = ...,
    header: bool | None = ...,
    text: Sequence[str] | str | None = ...,
    cache: bool | None = ...,
    seed: int | None = ...,
    threads: int | None = ...,
    device: Literal["auto", "cpu", "cuda"] | None = ...,
    precision: Literal["auto", "bfloat16", "float32"] | None = ...,
    output: str | None = ...,
    overwrite: bool | None = ...,
    k: Literal["auto"] | int | None = ...,
    label: str | None = ...,
    backbone: str | Keys | None = ...,
    revision: str | None = ...,
    max_length: int | None = ...,
) -> dict[str, Any]:
    """What a pile of texts is about: clusters with examples and words.

    Options are those of `headstart cluster --help-all`; `headstart explain NAME` tells all of one.

    Args:
        progress: Told what happens; silent by default.
        format: File format.
        encoding: Text encoding such as `cp1252`.
        delimiter: What stands between columns of a CSV file, one character.
        header: Whether the first line of CSV and TSV files has names of columns.
        text: Column(s) with the text, joined by a blank.
        cache: Keep the vectors of the texts on disk, so that they are not computed again.
        seed: Seed of all that is drawn at random, in [0, 2^32).
        threads: CPU threads.
        device: Where networks compute.
        precision: Precision of matrix products.
        output: File for the rows with what was found, such as out.csv, or a folder for that and all else.
        overwrite: Replace the output file, or the folder if headstart wrote it.
        k: Number of clusters, in [2, 10000].
        label: Column with labels that clusters are compared with.
        backbone: A known name (`mini`, English.
        revision: Hub revision.
        max_length: Tokens read of each text, special tokens included, at least 8.
    """

def suggest(
    data: TableLike | Sequence[str],
    *,
    progress: Progress = ...,
    format: Literal["conll", "conllu", "csv", "tsv", "jsonl", "parquet", "tmx"] | None = ...,
    encoding: str | None = ...,
    delimiter: str | None = ...,
    header: bool | None = ...,
    text: Sequence[str] | str | None = ...,
    cache: bool | None = ...,
    seed: int | None = ...,
    threads: int | None = ...,
    device: Literal["auto", "cpu", "cuda"] | None = ...,
    precision: Literal["auto", "bfloat16", "float32"] | None = ...,
    output: str | None = ...,
    overwrite: bool | None = ...,
    model: str | None = ...,
    best: int | None = ...,
    by: Literal["margin", "entropy", "least-confidence"] | None = ...,
    candidates: int | None = ...,
    labelled: str | None = ...,
    label: str | None = ...,
    curve: str | None = ...,
    backbone: str | Keys | None = ...,
    revision: str | None = ...,
    max_length: int | None = ...,
) -> dict[str, Any]:
    """Which rows a person should label next.

    Options are those of `headstart suggest --help-all`; `headstart explain NAME` tells all of one.

    Args:
        progress: Told what happens; silent by default.
        format: File format.
        encoding: Text encoding such as `cp1252`.
        delimiter: What stands between columns of a CSV file, one character.
        header: Whether the first line of CSV and TSV files has names of columns.
        text: Column(s) with the text, joined by a blank.
        cache: Keep the vectors of the texts on disk, so that they are not computed again.
        seed: Seed of all that is drawn at random, in [0, 2^32).
        threads: CPU threads.
        device: Where networks compute.
        precision: Precision of matrix products.
        output: File for the rows with what was found, such as out.csv, or a folder for that and all else.
        overwrite: Replace the output file, or the folder if headstart wrote it.
        model: Folder of a run whose uncertainty counts, and by whose own vectors texts are compared, or by TF-IDF
            where it has no network.
        best: Rows that are suggested, in [1, 1000].
        by: How uncertain a model is.
        candidates: Texts that are clustered for each row that is suggested, the most uncertain ones, in [1, 100].
        labelled: File with rows that are labelled already.
        label: Column for the labels that a person fills in, that of the model's training file or `label` by
            default.
        curve: Folder that `headstart curve` wrote, from which it is said what more labels would bring.
        backbone: A known name (`mini`, English.
        revision: Hub revision.
        max_length: Tokens read of each text, special tokens included, at least 8.
    """
