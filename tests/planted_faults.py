"""Break the code on purpose, one line at a time, and see the test that guards it turn red.

    make faults            # or: python tests/planted_faults.py [WORD ...], those whose name holds one of the words

Each fault is planted in a copy of the source; the test named beside it has to fail there. A fault that nothing finds, and a
line that is no longer in the source, end with exit code 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
DURABLE, TRAINER, CHECKPOINTS = "runtime/durable.py", "training/trainer.py", "training/checkpoints.py"
PIECES = "data/pieces.py"
ORDER = "tests/runtime/test_durable.py::test_everything_is_on_the_disk_before_the_folder_gets_its_name_and_its_name_is_after"
REPLACED = "tests/runtime/test_durable.py::test_a_file_that_is_replaced_is_on_the_disk_before_it_gets_its_name"
STOPPED = "tests/training/test_checkpoints.py::test_a_stage_that_is_stopped_after_any_update_goes_on_to_the_same_bits"
DAMAGED = "tests/training/test_checkpoints.py::test_a_damaged_checkpoint_is_named_and_the_one_before_it_is_used"
NARROW = "tests/training/test_checkpoints.py::test_memory_is_tried_with_the_largest_batch_first_and_the_parts_stay"
BACK = "tests/training/test_checkpoints.py::test_going_back_is_the_same_with_an_interruption_after_it"
NAN = "tests/training/test_trainer.py::test_a_loss_that_is_not_finite_never_reaches_the_weights_and_its_rows_are_noted"
LIES = "tests/backbones/test_hostile_folders.py::test_a_folder_that_lies_is_refused_by_name"
CHANGED = "tests/test_manifest.py::"
NOTATION = "tests/recipes/test_notation.py::test_what_no_recipe_means_is_refused_with_its_line"
STREAMS = "tests/cli/test_streams.py::"
PLANS = "tests/runs/test_planning.py::"
REFITS = "tests/runs/test_refitting.py::"
SPANS = "tests/metrics/test_span_errors.py"
ERRORS = "tests/evaluation/measurements/test_errors.py::"
SQUAD, ANSWERS = "tests/readers/test_squad.py::", "tests/data/test_answers.py::"
SPAN_SCORES, OVERLAP = "tests/solving/test_span_scores.py::", "tests/predictors/test_word_overlap.py::"
SELECTION = "tests/objectives/test_span_selection.py::"
WINDOWS, ANSWERING = "tests/backbones/test_questions.py::", "tests/predictors/test_answers.py::"
SPAN_SHARES, ASKED = "tests/tasks/test_answer_spans.py::", "tests/tasks/test_question_answering.py::"
ASKING = "tests/runs/test_asking.py::"
DIALOGUES = "tests/data/test_dialogues.py::"
REPLIES = "tests/tasks/test_response_selection.py::"
WRITER = "tests/backbones/test_seq2seq.py::"
TUNING, BACK_TRANSLATION = "tests/strategies/test_writer_tuning.py::", "tests/strategies/test_back_translation.py::"
CROSS, RETRIEVING = "tests/objectives/test_localized_contrastive.py::", "tests/strategies/test_retrieval.py::"
EXPORTED = "tests/exports/test_ctranslate2.py::"
INDEXES, RANKING = "tests/indexes/test_index.py::", "tests/ranking/"
CAUSAL, DRAWN = "tests/predictors/test_causal.py::", "tests/writing/test_sampling.py::"
SIGNALS = (
    "tests/contract/test_resuming.py::"
    "test_stopped_at_any_update_the_checkpoint_of_that_update_is_there_and_it_says_how_to_go_on"
)


class Fault(NamedTuple):
    """One line that is changed."""

    name: str
    file: str
    """Below src/headstart."""
    old: str
    """Once in the file."""
    new: str
    test: str


FAULTS = (
    Fault("files are not synced", DURABLE, "    for path in files:\n        sync(path)\n", "", ORDER),
    Fault("the folder is not synced", DURABLE, "        sync(place)\n", "        pass\n", ORDER),
    Fault("the manifest is not synced", DURABLE, "        sync(work / MANIFEST)\n", "", ORDER),
    Fault(
        "the folder is not synced after the manifest",
        DURABLE,
        "        sync(work / MANIFEST)\n        sync(work)\n",
        "        sync(work / MANIFEST)\n",
        ORDER,
    ),
    Fault(
        "the parent is not synced after the rename",
        DURABLE,
        "        rename(work, target)\n        sync(target.parent)\n",
        "        rename(work, target)\n",
        ORDER,
    ),
    Fault(
        "a copy instead of the rename",
        DURABLE,
        "        rename(work, target)\n",
        "        shutil.copytree(work, target)\n",
        ORDER,
    ),
    Fault("a replaced file is not synced", DURABLE, "        sync(new)\n        rename", "        rename", REPLACED),
    Fault("a replaced file's folder is not synced", DURABLE, "        sync(path.parent)\n", "", REPLACED),
    Fault(
        "digests are not compared",
        DURABLE,
        'if digest(folder / name) != about["sha256"]:',
        "if False:",
        "tests/runtime/test_durable.py::test_a_flipped_bit_and_a_cut_are_found_wherever_they_are_and_the_file_is_named",
    ),
    Fault(
        "the folder keeps its name while it is removed",
        DURABLE,
        "    rename(folder, old / \"x\")\n",
        "    shutil.rmtree(folder)\n",
        "tests/runtime/test_durable.py::test_what_is_replaced_is_gone_under_its_name_before_the_new_one_has_it",
    ),
    Fault(
        "no lock",
        DURABLE,
        "            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "            pass\n",
        "tests/runtime/test_durable.py::test_a_second_process_is_told_who_has_the_lock_and_that_of_a_dead_one_is_taken",
    ),
    Fault("the manifest is not checked", CHECKPOINTS, "    reason = damage(path)\n", '    reason = ""\n', DAMAGED),
    Fault(
        "the best weights are not checked",
        CHECKPOINTS,
        "            if reason := damage(place):\n",
        "            if reason := \"\":\n",
        "tests/training/test_checkpoints.py::test_damaged_best_weights_are_found",
    ),
    Fault("one checkpoint is kept", CHECKPOINTS, "KEPT = 2\n", "KEPT = 1\n", DAMAGED),
    Fault("the loss is not checked", TRAINER, "if not math.isfinite(norm):", "if False:", NAN),
    Fault(
        "random numbers go on where they were",
        "training/gradients.py",
        "            torch.manual_seed(_mixed(self.seed, self.state.history.updates, *others))\n",
        "",
        STOPPED,
    ),
    Fault("the moments are not taken up", TRAINER, "for key, value in found.moments.items():", "for key, value in ():", STOPPED),
    Fault("the best weights are not taken up", TRAINER, "            self._park(found.best)\n", "            pass\n", STOPPED),
    Fault("the parts of a batch are forgotten", "training/state.py", "        return values\n", "        return values | {'pieces': 1}\n", NARROW),
    Fault("the slower rate is forgotten", "training/state.py", "        return values\n", "        return values | {'slowed': 1.0}\n", BACK),
    Fault("what is left out is forgotten", "training/state.py", "        return values\n", "        return values | {'left_out': []}\n", BACK),
    Fault("an update is broken into", "runtime/interrupts.py", "    if _state.shielded:\n", "    if False:\n", SIGNALS),
    Fault(
        "the best weights are put back unshielded",
        TRAINER,
        "        with shielded():\n            if self.state.best_rank is not None:\n",
        "        if True:\n            if self.state.best_rank is not None:\n",
        "tests/training/test_checkpoints.py::test_a_signal_while_the_best_weights_are_put_back_keeps_all_of_them",
    ),
    Fault(
        "patience is not asked after an interruption",
        TRAINER,
        "        return state.waited >= training.waits or",
        "        return (state.waited >= training.waits and state.at > 0) or",
        "tests/training/test_checkpoints.py::"
        "test_a_signal_between_validation_and_the_next_epoch_does_not_cost_or_add_one",
    ),
    Fault(
        "a stop leaves no checkpoint",
        TRAINER,
        "    except KeyboardInterrupt:\n        loop.save()\n",
        "    except KeyboardInterrupt:\n",
        SIGNALS,
    ),
    Fault(
        "graphemes: a span cuts a letter from its mark",
        "data/words.py",
        " if around(text, cut, cut) == (cut, cut)]",
        "]",
        "tests/data/test_words.py::test_texts_encoded_otherwise_are_the_same_words_and_no_word_begins_or_ends_inside_a_grapheme",
    ),
    Fault(
        "fork: it computes with the threads of its parent",
        "runtime/forking.py",
        "        torch.set_num_threads(1)\n",
        "",
        "tests/runtime/test_forking.py",
    ),
    Fault(
        "scarce labels: the test part takes one of two rows",
        "runs/cuts.py",
        "seed=seed, least=2)",
        "seed=seed)",
        "tests/runs/test_preparation.py::test_a_label_with_two_rows_gives_none_to_the_test_part_where_labels_are_few",
    ),
    Fault(
        "folder: a bare network lies where a classifier is looked for",
        "predictors/network.py",
        "home = folder if self.is_native else folder / NETWORK",
        "home = folder",
        "tests/predictors/test_stored.py::test_a_folder_whose_head_is_not_the_architectures_own_is_no_classifier_for_transformers",
    ),
    Fault(
        "numpy: the factor of a chain is forgotten",
        "predictors/numpy_bert.py",
        'float(head["factor"]) * ',
        "",
        "tests/predictors/test_stored.py::test_words_are_read_without_torch_as_with_it",
    ),
    Fault(
        "what is not finite is published",
        "artifact.py",
        "        _refuse_not_finite(folder)\n",
        "",
        "tests/test_artifact.py::test_weights_that_are_not_finite_are_never_published",
    ),
    Fault(
        "what is not finite is kept",
        CHECKPOINTS,
        "        require_finite(snapshot.weights)\n",
        "",
        "tests/training/test_checkpoints.py::test_weights_that_are_not_finite_are_never_kept",
    ),
    Fault(
        "what is done is done again",
        "runs/execution.py",
        "work is not None and work.restore(entry, at, plan.parts, given)",
        "False",
        "tests/contract/test_resuming.py::test_an_experiment_of_several_strategies_does_not_do_again_what_is_done",
    ),
    Fault(
        "masks are the same in every pass",
        PIECES,
        "uniform((self.seed, stream), np.asarray(rows), np.arange(width))",
        "uniform((self.seed, stream), np.asarray(rows) % len(self), np.arange(width))",
        "tests/objectives/test_raw_text.py::test_words_are_hidden_anew_in_every_pass_and_alike_in_any_company",
    ),
    Fault(
        "special tokens are hidden too",
        "objectives/masked_lm.py",
        "return (draws <= last) & text",
        "return (draws <= last) | ~text",
        "tests/objectives/test_raw_text.py::test_the_asked_share_of_every_row_is_hidden_and_never_a_special_token",
    ),
    Fault(
        "visible words are told too",
        "objectives/masked_lm.py",
        "labels = np.where(chosen, ids, -100)",
        "labels = np.where(text, ids, -100)",
        "tests/objectives/test_raw_text.py::test_the_asked_share_of_every_row_is_hidden_and_never_a_special_token",
    ),
    Fault(
        "the next word is the word itself",
        "objectives/causal_lm.py",
        "labels[:, :-1] = np.where(mask[:, 1:] > 0, ids[:, 1:], -100)",
        "labels[:, :-1] = np.where(mask[:, 1:] > 0, ids[:, :-1], -100)",
        "tests/objectives/test_raw_text.py::test_causal_loss_is_that_of_transformers_on_the_same_batch[gpt2]",
    ),
    Fault(
        "the gate forgets to ask for a clear gain",
        "strategies/domain_adaptation.py",
        "kept = less and gain.value >= 0",
        "kept = gain.value >= 0",
        "tests/strategies/test_domain_adaptation.py::test_luck_is_refused",
    ),
    Fault(
        "the gate forgets wrong answers",
        "strategies/domain_adaptation.py",
        "kept = less and gain.value >= 0",
        "kept = less",
        "tests/strategies/test_domain_adaptation.py::"
        "test_surer_answers_are_no_gain_where_more_of_them_are_wrong",
    ),
    Fault(
        "a random head moves the network from the first update",
        "training/head_warmup.py",
        "groups=[LayerGroup(own_weights(learner.model), 1.0)]",
        "groups=None",
        "tests/training/test_language.py::test_a_random_head_learns_alone_first",
    ),
    Fault(
        "words with one vector at both ends are moved twice",
        "training/optimizers.py",
        "own = {id(each): each for module",
        "own = {(id(module), id(each)): each for module",
        "tests/training/test_language.py::test_words_with_one_vector_at_both_ends_are_moved_by_one_optimiser_entry",
    ),
    Fault(
        "words are left after two epochs that are not better",
        "strategies/fine_tuning.py",
        "context = replace(context, training=context.training.revised(patience=epochs))",
        "pass",
        "tests/contract/test_strategies_on_words.py::test_a_small_file_of_sentences_is_read_more_often",
    ),
    Fault(
        "a bi-encoder holds on to states of its run",
        "strategies/feature_extraction.py",
        "        if isinstance(predictor, NetworkPredictor):",
        "        if True:",
        "tests/estimators/test_tasks.py::test_a_clone_a_pickle_and_a_saved_model_are_as_of_classes_of_texts",
    ),
    Fault(
        "pairs are written the wrong way round",
        "estimators/pairs.py",
        '"second": [second for _, second in inputs]}',
        '"second": [first for first, _ in inputs]}',
        "tests/estimators/test_tasks.py",
    ),
    Fault(
        "nothing pulls towards the start",
        TRAINER,
        "        self._pull()\n",
        "",
        "tests/training/test_language.py::test_the_pull_towards_the_start_holds_the_weights_back",
    ),
    Fault(
        "answers: thresholds are not asked",
        'tasks/multi_label_classification.py',
        '>= (0.5 if outputs.thresholds is None else outputs.thresholds)',
        '>= 0.5',
        'tests/tasks/test_multi_label_classification.py::test_predictions_are_the_labels_that_reach_their_threshold',
    ),
    Fault(
        "answers: both models are cut at the thresholds of the first",
        'evaluation/judging.py',
        'for each in (a, b))',
        'for each in (a, type(b)(**{**vars(b), "thresholds": a.thresholds})))',
        'tests/tasks/test_multi_label_classification.py::test_two_models_are_compared_each_at_its_own_thresholds',
    ),
    Fault(
        "answers: one label is the most probable one, whatever the thresholds",
        'tasks/single_label.py',
        'return label_by_thresholds(softmax(outputs.values), outputs.thresholds)',
        'return label_by_thresholds(softmax(outputs.values), None)',
        'tests/tasks/test_text_classification.py::test_everything_that_is_said_of_rows_goes_by_thresholds',
    ),
    Fault(
        "answers: labels that are scored are the most probable ones, whatever the thresholds",
        'tasks/single_label.py',
        'given = label_by_thresholds(probabilities, outputs.thresholds)',
        'given = probabilities.argmax(1)',
        'tests/tasks/test_text_classification.py::test_two_models_are_compared_each_at_its_own_thresholds',
    ),
    Fault(
        "answers: what an earlier run had finished does not know its thresholds",
        'runs/workspace.py',
        '    entry.finished.predictor.decisions = entry.decisions\n',
        '',
        'tests/runs/test_first_format.py::test_what_the_recipe_gives_goes_before_what_would_be_found',
    ),
    Fault(
        "answers: thresholds that an earlier recipe gave are found anew where a run goes on",
        'runs/workspace.py',
        'known = [*given, Temperature(factor=1.0)]',
        'known = [Temperature(factor=1.0)]',
        'tests/runs/test_first_format.py::test_what_the_recipe_gives_goes_before_what_would_be_found',
    ),
    Fault(
        "answers: a model that was fitted to abstain answers every row",
        'runs/inference.py',
        '    return abstention.least_confidence(artifact.decisions)\n',
        '    return None\n',
        'tests/runs/test_run.py::test_a_model_that_was_fitted_to_abstain_does_so_unless_it_is_told_otherwise',
    ),
    Fault(
        "recipes: a name that two strategies mean differently is listed as one",
        'recipes/flags.py',
        'len({flag.meaning for flag in given}) == len({flag.path for flag in given}) == 1',
        'len({flag.path for flag in given}) == 1',
        'tests/recipes/test_recipe.py::test_no_name_of_a_flag_has_two_meanings',
    ),
    Fault(
        "recipes: an option of several meanings goes to all strategies that have it",
        'recipes/parsing.py',
        'elif len({known[each].meaning for each in spelled}) > 1:',
        'elif False:',
        'tests/recipes/test_recipe.py::test_an_option_that_no_component_of_the_run_can_take_is_a_fault',
    ),
    Fault(
        "recipes: a line is counted from 0",
        "recipes/lines.py",
        "                line = key.start_mark.line + 1\n",
        "                line = key.start_mark.line\n",
        "tests/recipes/test_lines.py::test_faults_come_all_at_once_in_the_order_of_their_lines",
    ),
    Fault(
        "recipes: YAML takes the last of two keys",
        "recipes/notation.py",
        "            if name in lines:\n",
        "            if False:\n",
        "tests/recipes/test_lines.py::test_a_fault_has_its_line_and_the_level_where_it_belongs",
    ),
    Fault(
        "recipes: what comes from --set is given a line of the file",
        "recipes/lines.py",
        "line = None if aside else self.line(path)",
        "line = self.line(path)",
        "tests/recipes/test_lines.py::test_what_was_put_on_top_of_a_file_stands_on_no_line",
    ),
    Fault(
        "recipes: a key at the wrong level is not told where it belongs",
        "recipes/homes.py",
        "    if key in homes:\n",
        "    if False:\n",
        "tests/recipes/test_lines.py::test_a_fault_has_its_line_and_the_level_where_it_belongs",
    ),
    Fault(
        "words: far ones are proposed",
        "registry.py",
        "slips = min(3, len(plain) // 3)",
        "slips = len(plain)",
        "tests/test_registry.py::test_only_a_near_word_is_proposed",
    ),
    Fault(
        "options: what changes nothing is let pass",
        "recipes/effects.py",
        "if named and len(whys) == len(named):",
        "if False:",
        "tests/recipes/test_effects.py::test_an_option_without_effect_on_the_one_strategy_is_refused",
    ),
    Fault(
        "options: what one of several has a use for is said to change nothing",
        "recipes/effects.py",
        "if named and len(whys) == len(named):",
        "if named and whys:",
        "tests/recipes/test_effects.py::test_what_changes_nothing_is_said_in_a_line",
    ),
    Fault(
        "strategies: what is not installed is planned",
        "recipes/labelled.py",
        "named = self.strategies or tuple(each for each in self._offering() if not each.missing())",
        "named = self.strategies or tuple(self._offering())",
        "tests/cli/test_leaderboard.py::test_what_is_not_installed_is_a_line_of_advice_and_no_row",
    ),
    Fault(
        "schema: a component may hold any key",
        "recipes/schema.py",
        '| {"additionalProperties": False}\n',
        "\n",
        "tests/recipes/test_schema.py::test_what_the_parser_refuses_the_schema_refuses",
    ),
    Fault(
        "signatures: the meanings of other owners are forgotten",
        "recipes/signatures.py",
        "if not flag.listed else [flag]",
        "[:1] if not flag.listed else [flag]",
        "tests/recipes/test_signatures.py::test_the_stub_is_that_of_the_fields_of_today",
    ),
    Fault(
        "data: a named test is not looked at for texts that were learnt from",
        'runs/splitting.py',
        '{(TRAIN, kind) for kind in (VALIDATION, *SCORED)}',
        '{(TRAIN, kind) for kind in (VALIDATION, *SCORED[:2])}',
        'tests/runs/test_preparation.py::test_a_named_test_is_read_checked_and_cut_down_as_the_test_part_is',
    ),
    Fault(
        "data: rows of one group are told apart",
        'runs/splitting.py',
        'return replace(rows, groups=numbered(keys))',
        'return replace(rows, groups=np.arange(len(keys)))',
        'tests/runs/test_preparation.py::test_groups_of_a_column_are_numbered_and_stay_with_their_rows',
    ),
    Fault(
        "data: a run goes on though a named test has changed",
        'recipes/sources.py',
        'return {role: path for role, path in (files | named | {CORPUS: self.corpus}).items() if path is not None}',
        'return {role: path for role, path in (files | {CORPUS: self.corpus}).items() if path is not None}',
        'tests/doors/test_named_tests.py::test_a_run_that_goes_on_knows_whether_a_named_test_has_changed_since',
    ),
    Fault(
        "answers: what a journal says of its arrays is not in the checksum",
        'serving/journal.py',
        'zlib.crc32(payload, zlib.crc32(said.encode()))',
        'zlib.crc32(payload)',
        'tests/serving/test_journal.py::test_texts_that_a_model_wrote_are_kept_and_what_is_torn_or_flipped_of_them_is_not',
    ),
    Fault(
        "answers: a rival that loses a row keeps it among those it is given",
        'metrics/thresholds.py',
        'given[rival] - left_given, true',
        'given[rival] - left_given + 1, true',
        'tests/metrics/test_thresholds.py',
    ),
    Fault(
        "decisions: all are fitted on the outputs as they came",
        'decisions/base.py',
        '            outputs = decision.apply(task, outputs)\n        found.append(decision)',
        '            decision.apply(task, outputs)\n        found.append(decision)',
        'tests/decisions/test_decisions.py::test_each_is_fitted_on_what_those_before_it_leave',
    ),
    Fault(
        "decisions: they stand in the order given",
        'decisions/base.py',
        'for name in DECISIONS.names())',
        'for name in {**known, **dict.fromkeys(DECISIONS.names())})',
        'tests/decisions/test_decisions.py::test_all_decisions_stand_in_the_order_of_the_table_whatever_the_order_given',
    ),
    Fault(
        "decisions: outputs of another kind are changed too",
        'decisions/base.py',
        '        if outputs.kind in decision.wants:\n',
        '        if True:\n',
        'tests/decisions/test_decisions.py::test_outputs_of_another_kind_pass_the_decisions_that_do_not_want_them',
    ),
    Fault(
        "decisions: choices hang on the temperature",
        'evaluation/judging.py',
        ' if not isinstance(decision, Temperature)]',
        ']',
        'tests/evaluation/test_judging.py::test_outputs_that_are_as_good_are_told_apart_by_their_loss',
    ),
    Fault(
        "judging: rows of a group are taken for independent",
        'evaluation/judging.py',
        'paired_test(metric, *sides, clusters=rows.groups, seed=seed)',
        'paired_test(metric, *sides, seed=seed)',
        'tests/evaluation/test_judging.py::test_groups_are_what_is_resampled',
    ),
    Fault(
        "judging: of equally good outputs the first is taken",
        'evaluation/judging.py',
        'else value), -results.mean_loss',
        'else value), 0.0',
        'tests/evaluation/test_judging.py::test_the_sort_key_is_the_chosen_metric_and_then_the_loss',
    ),
    Fault(
        "metrics: a cluster has the numbers of its last row",
        'metrics/base.py',
        'np.add.at(sums, places.reshape(-1), self.rows)',
        'sums[places.reshape(-1)] = self.rows',
        'tests/metrics/test_base.py::test_clusters_have_the_sums_of_their_rows_in_the_order_of_their_numbers',
    ),
    Fault(
        "metrics: rows of a cluster are swapped one by one",
        'metrics/resampling.py',
        'a, b = a.by_cluster(clusters), b.by_cluster(clusters)',
        'a, b = a, b',
        'tests/metrics/test_resampling.py::test_a_paired_test_of_copies_in_clusters_is_that_of_the_rows',
    ),
    Fault(
        "outputs: words are taken as if each row had one",
        'data/outputs.py',
        'values=self.values[self._places(rows)]',
        'values=self.values[chosen]',
        'tests/data/test_outputs.py::test_units_of_words_follow_their_rows',
    ),
    Fault(
        "outputs: a row that is left out answers again once it is taken",
        'data/outputs.py',
        'return None if self.abstained is None else self.abstained[rows]',
        'return None',
        'tests/data/test_outputs.py::test_rows_left_out_for_want_of_confidence_go_with_their_rows_and_are_not_written',
    ),
    Fault(
        "answers: fast products are taken for safe by the highest output, not by thresholds",
        'predictors/mixed_precision.py',
        'np.sort(logits - borders, axis=1)',
        'np.sort(logits, axis=1)',
        'tests/predictors/test_mixed_precision.py::test_labels_by_thresholds_are_those_of_float32_too',
    ),
    Fault(
        "answers: a label twice in a list counts twice",
        'tasks/label_lists.py',
        'for label in dict.fromkeys(labels)), None)',
        'for label in labels), None)',
        'tests/tasks/test_multi_label_classification.py',
    ),
    Fault(
        "answers: thresholds are those of a first guess",
        'metrics/label_sets.py',
        '        reached = max(best, 0.0)\n',
        '        reached = 0.0\n',
        'tests/tasks/test_multi_label_classification.py::test_thresholds_make_f1_over_all_labels_as_high_as_any_choice_does',
    ),
    Fault(
        "answers: what is no finite number is taken",
        "data/numbers.py",
        '    return value if math.isfinite(value) else None\n',
        '    return value\n',
        'tests/tasks/test_text_regression.py::test_a_cell_that_is_no_finite_number_is_dropped_with_line_and_reason',
    ),
    Fault(
        "answers: numbers stay standardised",
        'tasks/single_number.py',
        '            found = outputs.values[:, 0].astype(np.float64) * deviation + mean\n',
        '            found = outputs.values[:, 0].astype(np.float64) + mean\n',
        'tests/tasks/test_text_regression.py::test_targets_are_standardised_by_the_training_rows_and_answers_are_in_their_unit',
    ),
    Fault(
        "answers: a bi-encoder reads the first text twice",
        'tasks/sentence_similarity.py',
        '+ np.arange(2)).ravel()',
        '+ np.zeros(2, dtype=int)).ravel()',
        'tests/tasks/test_sentence_similarity.py::test_a_bi_encoder_is_the_cosine_of_mean_states_read_apart',
    ),
    Fault(
        "answers: a native head of numbers has another unit",
        'predictors/network.py',
        '        weight = linear.weight * deviation if is_scaled else linear.weight\n',
        '        weight = linear.weight\n',
        'tests/doors/test_answers.py::test_a_native_head_is_what_plain_transformers_loads',
    ),
    Fault(
        "answers: the intercept of numbers forgets their mean",
        'solving/numbers.py',
        '        bias = self.level - coefficients @ self.middle - weight @ self.mean\n',
        '        bias = -(coefficients @ self.middle) - weight @ self.mean\n',
        'tests/solving/test_numbers.py::test_it_is_the_ridge_regression_of_scikit_learn_with_rows_more_or_fewer_than_features',
    ),
    Fault(
        "answers: strengths of numbers are chosen by their order",
        'solving/numbers.py',
        '    lambda scores: scores,\n    explained,\n',
        '    lambda scores: scores,\n',
        'tests/solving/test_numbers.py::test_strengths_are_chosen_by_the_variance_explained_not_by_an_order_that_all_share',
    ),
    Fault(
        "answers: a label that all rows have is never given",
        'solving/label_sets.py',
        'np.where(shares > 0, -ABSENT, ABSENT)',
        'np.where(shares > 0, ABSENT, ABSENT)',
        'tests/solving/test_label_sets.py::test_a_label_that_all_rows_have_or_none_has_an_output_far_off',
    ),
    Fault(
        "words: a word without a piece is forgotten", "backbones/words.py",
        "            if (silent := np.flatnonzero(counts == 0)).size:", "            if False and (silent := np.flatnonzero(counts == 0)).size:",
        "tests/backbones/test_words.py::test_every_word_has_a_piece_of_its_own_whatever_it_is",
    ),
    Fault(
        "words: places are one piece off", "backbones/words.py",
        "[home] + len(before)", "[home] + len(before) - 1",
        "tests/backbones/test_words.py::test_ids_are_those_that_transformers_gives_for_texts_split_into_words",
    ),
    Fault(
        "words: windows leave a gap", "data/windows.py",
        "        begin = min(max(again, fitting), end)", "        begin = min(max(again, fitting), end) + 1",
        "tests/data/test_windows.py::test_windows_hold_whole_words_only_and_leave_no_gap",
    ),
    Fault(
        "words: a batch takes the windows of another sentence", "data/windows.py",
        "        found[:, 0] += np.repeat(shift, self.units.counts[chosen])", "        pass",
        "tests/data/test_windows.py::test_a_batch_has_all_windows_of_its_sentences_and_says_where_their_words_are",
    ),
    Fault(
        "words: spans may overlap", "data/tagged.py",
        "        if other.start < one.end:", "        if False:",
        "tests/data/test_tagged.py::test_what_does_not_fit_is_said",
    ),
    Fault(
        "tags: M of BMES ends a span", "data/spelling.py", '"M": "I"', '"M": "E"',
        "tests/data/test_spelling.py::test_types_and_signs_are_told_apart",
    ),
    Fault(
        "tags: some with positions beside some without are types", "data/spelling.py",
        "    if doubtful:\n        _refuse_doubtful(rest, doubtful)\n", "",
        "tests/data/test_spelling.py::test_what_can_be_meant_in_two_ways_is_refused_by_name",
    ),
    Fault(
        "columns: numbers of words are taken for the words", "readers/layout.py",
        "even >= 0.9 * steps and steps > 1", "False",
        "tests/readers/test_layout.py::test_words_and_tags_are_found",
    ),
    Fault(
        "columns: comments with as many parts as columns are words", "readers/layout.py",
        "            return not position_tags([tag])\n", "            return False\n",
        "tests/readers/test_layout.py::test_comments_are_no_words_whatever_they_hold",
    ),
    Fault(
        "words: a span cuts no word", "data/tagged.py",
        "    given = words_of(text, [place for mark in marks for place in (mark.start, mark.end)])", "    given = words_of(text)",
        "tests/data/test_tagged.py::test_a_span_inside_of_a_word_cuts_it_so_that_no_label_is_lost",
    ),
    Fault(
        "words: any tag may follow any other", "tasks/token_classification.py",
        'allowed(self.names, "iob2")', 'allowed(self.names, "plain")',
        "tests/tasks/test_token_classification.py::test_a_tag_that_could_not_stand_there_never_comes_out",
    ),
    Fault(
        "words: folds of sentences are taken for folds of words", "data/outputs.py",
        "        self.values[self._places(rows)] = other.values", "        self.values[: len(other.values)] = other.values",
        "tests/contract/test_strategies_on_words.py",
    ),
    Fault(
        "long texts: the last tokens are left out", "data/long_texts.py",
        "homes = Units.counted(1 + np.maximum(-(-(lengths - room) // step), 0))",
        "homes = Units.counted(1 + np.maximum((lengths - room) // step, 0))",
        "tests/data/test_long_texts.py",
    ),
    Fault(
        "long texts: windows count alike", "heads/windows.py",
        'weights = (lengths if pooling == "mean" else', 'weights = (lengths if pooling == "none" else',
        "tests/heads/test_windows.py",
    ),
    Fault(
        "long texts: windows come back in another order", "heads/windows.py",
        "[torch.from_numpy(np.argsort(np.concatenate(parts)))]", "",
        "tests/heads/test_windows.py",
    ),
    Fault(
        "long texts: the artifact forgets how it reads", "predictors/stored.py",
        '        self._tokenizer.overlap = said.overlap\n', "",
        "tests/contract/test_strategies_on_long_texts.py::"
        "test_it_comes_back_done_and_saved_and_loaded_it_says_the_same_of_texts_alone_and_together[feature-extraction]",
    ),
    Fault(
        "long texts: a text of any length is one pass", "heads/windows.py",
        "parts = inference_batches(lengths.cpu().numpy(), lengths.device.type)", "parts = [np.arange(len(lengths))]",
        "tests/contract/test_strategies_on_long_texts.py::"
        "test_no_pass_has_more_tokens_than_a_batch_however_long_a_text_is",
    ),
    Fault(
        "chain: neighbours are not looked at", "solving/forward_backward.py",
        "    step = np.exp(transitions - highest)", "    step = np.ones_like(transitions)",
        "tests/predictors/test_chain.py::test_sums_over_paths_are_those_of_counting_them",
    ),
    Fault(
        "tag chain: padding is summed over", "heads/chain.py",
        "torch.where(inside[:, at], size, 0.0)", "size",
        "tests/heads/test_chain.py::test_loss_and_probabilities_are_those_of_counting_every_sequence",
    ),
    Fault(
        "tag chain: what follows is not looked at", "heads/chain.py",
        "(forward + self._backward(padded, place.inside))", "forward",
        "tests/heads/test_chain.py::test_loss_and_probabilities_are_those_of_counting_every_sequence",
    ),
    Fault(
        "tag chain: the last word of a sentence goes on to the next one", "heads/chain.py",
        "[targets[:-1], targets[1:]][goes_on]", "[targets[:-1], targets[1:]]",
        "tests/heads/test_chain.py::test_loss_and_probabilities_are_those_of_counting_every_sequence",
    ),
    Fault(
        "tag chain: sentences of a batch are told in another order", "tasks/pooled.py",
        "prepared.units.counts[indices]", "prepared.units.counts[np.sort(indices)]",
        "tests/tasks/test_token_classification.py::test_the_chain_is_told_which_words_make_a_sentence_in_whatever_windows_they_are_read",
    ),
    Fault(
        "tag chain: folds are solved on all rows", "strategies/crf_heads.py",
        "some, rest = train.take(units.of(kept)), ", "some, rest = train.take(units.of(held)), ",
        "tests/strategies/test_crf_heads.py::test_labels_of_a_fold_have_no_say_in_its_own_outputs",
    ),
    Fault(
        "tag chain: an artifact forgets the temperature", "predictors/network.py",
        "            self.head.chain.factor.mul_(decision.value)\n", "",
        "tests/predictors/test_predictors.py::test_a_chain_is_calibrated_by_its_factor_which_is_saved_with_it",
    ),
    Fault(
        "muon: columns are not turned", "training/muon.py",
        "    found = found / found.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)", "    found = found / found.amax()",
        "tests/training/test_muon.py",
    ),
    Fault(
        "muon: the size of updates is forgotten", "training/muon.py",
        'group["lr"] * SIZE * max(shape) ** 0.5', 'group["lr"] * max(shape) ** 0.5',
        "tests/training/test_muon.py",
    ),
    Fault(
        "device: a GPU that is not there is the CPU in silence", "runtime/device.py",
        '    if wanted == "auto":\n        return "cpu"\n    built', '    if wanted:\n        return "cpu"\n    built',
        "tests/runtime/test_device.py::test_a_gpu_that_is_not_there_is_named_with_the_reason",
    ),
    Fault(
        "device: what is in a list stays where it is", "runtime/device.py",
        "    if isinstance(batch, tuple | list):\n", "    if isinstance(batch, tuple):\n",
        "tests/runtime/test_device.py::test_a_batch_is_moved_with_all_that_is_in_it",
    ),
    Fault(
        "device: words that mean nothing are scored", "heads/vocabulary.py",
        "added = weight.new_full((len(wide),), -torch.inf)", "added = weight.new_zeros(len(wide))",
        "tests/heads/test_vocabulary.py::test_words_that_nothing_scores_change_neither_loss_nor_gradients",
    ),
    Fault(
        "device: padding of a row is told", "heads/vocabulary.py",
        'fillings = {"ids": 0, "mask": 0, "labels": -100}', 'fillings = {"ids": 0, "mask": 0, "labels": 0}',
        "tests/heads/test_vocabulary.py::test_a_decoder_says_the_same_of_rows_padded_to_one_of_few_widths",
    ),
    Fault(
        "rows of any length stand together",
        "data/batches.py",
        "random.uniform(0, rows / 2, len(order))",
        "random.uniform(0, 8 * rows, len(order))",
        "tests/data/test_batches.py::test_batches_of_many_rows_hold_next_to_no_padding",
    ),
    Fault(
        "a row that is left over is an update of its own",
        "data/batches.py",
        "len(last) < budget",
        "len(last) < 0",
        "tests/data/test_batches.py::test_no_update_is_left_to_a_row_or_two",
    ),
    Fault(
        "few rows make as many updates as they like",
        "data/batches.py",
        "> MOST_BATCHES * updates",
        "> 9 * MOST_BATCHES * updates",
        "tests/data/test_batches.py::test_few_rows_of_very_different_lengths_make_hardly_more_updates",
    ),
    Fault(
        "dropout within the network stays what it was",
        "backbones/encoder.py",
        "        setattr(config, name, share)\n",
        "        pass\n",
        "tests/strategies/test_strategies.py::test_dropout_within_the_network_is_its_own_or_what_was_asked_for",
    ),
    Fault("a span is paired twice", "metrics/span_errors.py", "                rest.remove(other)\n", "", SPANS),
    Fault("the least shared words go first", "metrics/span_errors.py", "key=lambda each: -each[0]", "key=lambda each: each[0]", SPANS),
    Fault(
        "a wrong span has the probability of its surest word",
        "tasks/span_mistakes.py",
        "own[slice(*outcome.words)].min()",
        "own[slice(*outcome.words)].max()",
        f"{ERRORS}test_scores_of_wrong_spans_are_those_of_their_least_certain_word",
    ),
    Fault(
        "intervals of few spans are resampled",
        "evaluation/measurements/by_label.py",
        "min(predicted, true) >= FEW_THINGS",
        "min(predicted, true) >= 0",
        f"{ERRORS}test_types_have_precision_recall_and_f1_with_intervals",
    ),
    Fault(
        "rows that may not be shown are drawn",
        "evaluation/measurements/number_errors.py",
        " if subject.shows else None",
        "",
        f"{ERRORS}test_many_values_share_ranges_and_hidden_rows_are_not_drawn",
    ),
    Fault(
        "what is nearly certain is rounded to certain",
        "drawing/text.py",
        "score > 0.9995",
        "score > 1.9995",
        "tests/report/test_page.py::test_spans_are_shown_by_type_by_outcome_and_as_marked_text",
    ),
    Fault(
        "wide tables are cut on phones",
        "report/page.py",
        "    return stacked(\n",
        "    return (\n",
        "tests/report/test_page.py::test_a_phone_shows_tables_of_many_columns_row_by_row",
    ),
    Fault(
        "budgets: a brief control takes what it likes",
        "runs/planning.py",
        "needed <= most and (",
        "(",
        f"{PLANS}test_the_control_from_scratch_is_brief_and_never_above_one_and_a_half_times_transfer",
    ),
    Fault(
        "budgets: controls that take long come first",
        "runs/planning.py",
        "                self.is_beside(entry.strategy) and not self._is_quick(entry.strategy),\n",
        "                False,\n",
        f"{PLANS}test_under_a_budget_controls_that_take_long_come_behind_transfer",
    ),
    Fault(
        "budgets: the first rows are the sample",
        "runs/planning.py",
        "        rows, _ = at_most(context.train, most, context.seed, context.task.strata(context.train))\n",
        "        rows = context.train.take(np.arange(most))\n",
        f"{PLANS}test_fewer_epochs_and_then_fewer_rows_are_planned_where_all_do_not_fit",
    ),
    Fault(
        "budgets: a run that goes on decides anew",
        "runs/execution.py",
        "    if str(at) in known:\n",
        "    if False:\n",
        "tests/cli/test_resume.py::test_what_a_clock_decided_stays_as_it_was_where_a_run_goes_on",
    ),
    Fault(
        "budgets: the best rate begins anew",
        TRAINER,
        "            self.relay.snapshot = deepcopy(self._snapshot())\n",
        "            pass\n",
        "tests/strategies/test_strategies.py::"
        "test_brief_rates_are_compared_on_the_way_and_the_best_goes_on_to_the_same_weights",
    ),
    Fault(
        "forecasts: later stages are forgotten",
        "runtime/forecast.py",
        "(own or 0.0) + sum(later)",
        "own or 0.0",
        "tests/runtime/test_forecast.py::test_all_that_is_to_come_is_left_and_what_does_not_run_is_not",
    ),
    Fault(
        "tables: a first line that is a row is taken for names",
        "readers/header.py",
        "        if again[at] >= (1 if len(rows) < 20 else 2):\n",
        "        if again[at] > len(rows):\n",
        "tests/readers/test_header.py::test_a_first_line_with_values_of_its_columns_is_a_row",
    ),
    Fault(
        "tables: the line of Excel is the header",
        "readers/quoted.py",
        "        if first is not None and excel_delimiter(first):\n",
        "        if first is None:\n",
        "tests/readers/test_header.py::test_the_line_of_excel_is_no_header",
    ),
    Fault(
        "tables: columns without a name are left out however full",
        "readers/delimited.py",
        "        if filled[at] > NEARLY_EMPTY * count:\n",
        "        if filled[at] > count:\n",
        "tests/readers/test_delimited.py::test_headers_that_cannot_be_used_are_refused",
    ),
    Fault(
        "tables: one of several columns of 0 and 1 is the label",
        "tasks/columns.py",
        "    if len(marked) > 1:\n        shown",
        "    if len(marked) > 9:\n        shown",
        "tests/tasks/test_multi_label_classification.py::test_one_of_several_columns_of_zeros_and_ones_is_never_taken_for_the_label",
    ),
    Fault(
        "tables: several labels where one is expected are the first of them",
        "tasks/label_cells.py",
        "    if len(labels) > 1:\n",
        "    if len(labels) > 9:\n",
        "tests/tasks/test_label_cells.py::test_a_cell_without_one_label_says_why",
    ),
    Fault(
        "tables: links are texts",
        "tasks/columns.py",
        "    texts = [name for name in candidates if _is_filled_text(table, name)]\n",
        "    texts = [*candidates]\n",
        "tests/tasks/test_text_classification.py::test_links_keys_and_people_are_neither_text_nor_label_where_another_column_may_be",
    ),
    Fault(
        "tables: what stands in few rows is a label", "tasks/columns.py",
        "    told = [name for name in told if _is_filled(_profile(table, name))] or told\n", "    told = [*told]\n",
        "tests/tasks/test_open.py::test_what_stands_beside_misleads_nobody",
    ),
    Fault(
        "columns: offsets are taken for the words", "readers/layout.py",
        "        words = (spelt or text or free or [0])[0]\n", "        words = (text or free or [0])[0]\n",
        "tests/readers/test_layout.py::test_words_and_tags_are_found",
    ),
    Fault(
        "tables: 1 and 1.0 are two labels",
        "checks/labels.py",
        "    return whole[1] if whole else key\n",
        "    return key\n",
        "tests/checks/test_labels.py::test_spellings_of_one_label_meet",
    ),
    Fault(
        "tables: a pointer of Git LFS is a table",
        "data/files.py",
        "    if what := foreign(head):\n",
        "    if what := foreign(b''):\n",
        "tests/data/test_foreign.py::test_files_that_are_no_tables_are_called_what_they_are",
    ),
    Fault(
        "folders: an index names any file",
        "backbones/weights.py",
        '        if not is_plain(name) or "/" in name or not name.endswith(ENDING):\n',
        "        if not name:\n",
        LIES,
    ),
    Fault(
        "folders: missing weights are made up",
        "backbones/pretrained.py",
        "    found = sorted(name for name in names if",
        "    found = sorted(name for name in () if",
        LIES,
    ),
    Fault(
        "folders: all keys of a configuration have a vote",
        "backbones/pretrained.py",
        "    kept = {key: value for key, value in values.items() if key in known}\n",
        "    kept = dict(values)\n",
        "tests/backbones/test_hostile_folders.py::test_keys_that_a_configuration_does_not_declare_have_no_vote",
    ),
    Fault(
        "folders: memory is taken before sizes are known",
        "backbones/pretrained.py",
        "    if wanted > 2 * given + SPARE:\n",
        "    if wanted > 2**70:\n",
        LIES + "[a huge vocabulary]",
    ),
    Fault(
        "folders: weights may change after they were found",
        "backbones/weights.py",
        "    if digest is not None and (found",
        "    if digest == '' and (found",
        "tests/backbones/test_hostile_folders.py::test_weights_that_change_after_they_were_found_are_refused",
    ),
    Fault(
        "folders: links lead anywhere",
        "runtime/contained.py",
        "    if not any(real.is_relative_to(place) for place in (home, *_blobs(home))):\n",
        "    if not home:\n",
        LIES,
    ),
    Fault(
        "folders: normalisers explode",
        "backbones/tokenizer_checks.py",
        "    if grown > GROWTH_LIMIT:\n",
        "    if grown > 1e30:\n",
        "tests/backbones/test_tokenizer_checks.py::test_a_tokenizer_that_could_take_all_memory_or_time_is_refused",
    ),
    Fault(
        "folders: a file of weights may be of any size",
        "runtime/contained.py",
        "    if not is_so:\n",
        "    if expected < 0:\n",
        "tests/attacks/test_corpus.py",
    ),
    Fault(
        "folders: keys may stand twice",
        "runtime/contained.py",
        "object_pairs_hook=_without_twins",
        "object_pairs_hook=dict",
        CHANGED + "test_files_of_another_shape_are_named_whatever_their_digests_say",
    ),
    Fault(
        "artifacts: other weights pass",
        "runtime/contained.py",
        "    if digest not in (None, digest_of(folder, name)):\n",
        '    if digest == "":\n',
        CHANGED + "test_every_byte_that_changes_is_found_or_harmless",
    ),
    Fault(
        "artifacts: shapes are those of the file",
        "runtime/contained.py",
        "        if not same or kind not in FRACTIONS:\n",
        "        if kind not in FRACTIONS:\n",
        CHANGED + "test_tensors_have_to_fit_the_labels_and_the_network",
    ),
    Fault(
        "artifacts: the manifest may be changed",
        "manifest.py",
        "said.pop(OWN_DIGEST) != _digest_of(said)",
        "not said.pop(OWN_DIGEST)",
        "tests/attacks/test_properties.py::test_a_manifest_that_is_written_reads_back_and_one_that_was_changed_does_not",
    ),
    Fault(
        "artifacts: answers of parts that are not there",
        "manifest.py",
        "        if answer.part not in found.parts:\n",
        "        if not answer.part:\n",
        CHANGED + "test_a_manifest_that_is_no_manifest_or_contradicts_itself_is_refused",
    ),
    Fault(
        "artifacts: fits start from a network that was changed",
        "manifest.py",
        "        if name in files and digest_of(folder, name) != files[name]:\n",
        "        if name in files and not files[name]:\n",
        CHANGED + "test_a_network_that_fits_start_from_is_the_one_that_was_written",
    ),
    Fault(
        "artifacts: files are put beside the others",
        "manifest.py",
        '        if name not in files and said["format"] > 1 and',
        "        if name not in files and not files and",
        CHANGED + "test_a_network_that_fits_start_from_is_the_one_that_was_written",
    ),
    Fault(
        "recipes: the last of two keys counts",
        "recipes/notation.py",
        "            if name in lines:\n",
        "            if name in lines and not lines:\n",
        NOTATION,
    ),
    Fault("recipes: merged keys", "recipes/notation.py", '    if kind == "merge":\n', '    if kind == "<<":\n', NOTATION),
    Fault(
        "recipes: numbers without an end",
        "recipes/notation.py",
        "    if len(text) > MOST_DIGITS:\n",
        "    if len(text) > 10**9:\n",
        NOTATION,
    ),
    Fault(
        "recipes: numbers to the base of 60",
        "recipes/notation.py",
        '    if ":" in text and _SIXTY(text):\n',
        '    if ":" in text and text == ":":\n',
        NOTATION,
    ),
    Fault(
        "streams: signs that are not seen reach the terminal",
        "cli/streams.py",
        "        return self.put(start + escaped(text))\n",
        "        return self.put(start + text)\n",
        STREAMS + "test_bars_of_other_packages_move_and_what_they_show_cannot",
    ),
    Fault(
        "label names: no word is unknown",
        "strategies/label_names.py",
        "spelled <= BROKEN * tokenizer.pieces_per_word(texts)",
        "True",
        "tests/strategies/test_label_names.py",
    ),
    Fault(
        "label names: noise is a gain",
        "strategies/contrastive.py",
        "bool(lost.mean() < -noise)",
        "bool(lost.mean() < 0)",
        "tests/strategies/test_contrastive.py::test_names_that_are_no_known_words_are_used_where_training_with_them_says_so",
    ),
    Fault(
        "refit: training rows alone",
        "runs/refitting.py",
        "[*train.examples, *validation.examples], [*train.lines, *validation.lines]",
        "[*train.examples], [*train.lines]",
        f"{REFITS}test_the_kept_model_learns_from_all_rows_with_all_that_it_chose",
    ),
    Fault(
        "refit: the epoch that was chosen is forgotten",
        "strategies/training_run.py",
        "    if context.last_epoch is not None:\n        return context.last_epoch\n",
        "",
        f"{REFITS}test_training_ends_after_the_epoch_that_validation_chose",
    ),
    Fault(
        "refit: no temperature for the model that is saved",
        "runs/refitting.py",
        "taken_up(candidate.predictor, chosen.fitted or ())",
        "chosen.decisions",
        f"{REFITS}test_decisions_stay_those_of_rows_that_were_held_out",
    ),
    Fault(
        "refit: scores of the model before",
        "runs/comparison.py",
        "first = [again.entry] * again.done",
        "first = []",
        f"{REFITS}test_scores_are_those_of_the_model_that_is_saved_and_the_table_compares_like_with_like",
    ),
    Fault(
        "refit: a validation file is learnt from unasked",
        "runs/refitting.py",
        "recipe.refit is True or recipe.data.validation is None",
        "True",
        f"{REFITS}test_a_file_for_validation_is_learnt_from_only_where_that_is_asked_for",
    ),
    Fault(
        "refit: the clock is not asked",
        "runs/refitting.py",
        "if SAFETY * needed > left:",
        "if False:",
        f"{REFITS}test_a_budget_has_to_have_the_time_for_it",
    ),
    Fault(
        "refit: a model that went wrong is saved",
        "runs/refitting.py",
        "note = _refused(before, candidate, context)",
        'note = ""',
        f"{REFITS}test_a_model_that_went_wrong_on_all_rows_is_not_saved",
    ),
    Fault(
        "refit: the strength of the head hangs on validation rows after an interruption",
        "strategies/trained_heads.py",
        "context.shared.joined or home(context)",
        "home(context)",
        f"{REFITS}test_the_head_begins_as_strong_as_it_was_chosen_where_the_run_goes_on",
    ),
    Fault(
        "budgets: two epochs where eight fit",
        "runs/planning.py",
        "FEWER_EPOCHS = (8, 6, 4, 3, 2, 1)",
        "FEWER_EPOCHS = (2, 1)",
        f"{PLANS}test_of_many_epochs_as_many_are_planned_as_fit",
    ),
    Fault(
        "few labels: a strong head on two rows per label",
        "strategies/contrastive.py",
        "return (WEAK,) if fewest else GRID",
        "return GRID",
        "tests/strategies/test_contrastive.py::test_with_fewer_than_four_rows_per_label_the_head_is_regularised_weakly",
    ),
    Fault(
        "overlap: spans go over the ends of sentences for nothing",
        "solving/span_scores.py",
        "ends[last] > ends[begins]",
        "ends[last] < ends[begins]",
        f"{SPAN_SCORES}test_scores_are_those_of_counting_every_span",
    ),
    Fault(
        "overlap: the best span through a word ends anywhere",
        "solving/span_scores.py",
        "        found[more:, 1] = np.maximum(found[more:, 1], table[more, : len(values) - more])\n",
        "        found[:, 1] = np.maximum(found[:, 1], table[more])\n",
        f"{SPAN_SCORES}test_scores_are_those_of_counting_every_span",
    ),
    Fault(
        "overlap: the slope of no answer is left out",
        "solving/span_scores.py",
        "refusing.sum() - refused.sum()",
        "0 * refused.sum()",
        f"{SPAN_SCORES}test_the_map_that_is_fitted_has_no_slope_and_a_lower_loss_than_the_usual_one",
    ),
    Fault(
        "overlap: all words of a question count alike",
        "predictors/overlap.py",
        "    asked = {stem: rarity.get(stem, most) for",
        "    asked = {stem: 1.0 for",
        f"{OVERLAP}test_words_near_those_of_the_question_are_told_by_how_rare_these_are",
    ),
    Fault(
        "questions: a word is read in the first window that has it",
        "backbones/questions.py",
        "better = nearer > best[own]",
        "better = best[own] < 0",
        f"{WINDOWS}test_every_word_is_read_once_where_it_has_most_around_it",
    ),
    Fault(
        "questions: windows overlap less",
        "backbones/questions.py",
        "OVERLAP = 0.375",
        "OVERLAP = 0.25",
        f"{WINDOWS}test_the_windows_are_those_of_the_tokenizers_library",
    ),
    Fault(
        "questions: no answer is read in the first window alone",
        "heads/pooled.py",
        "each[each.sum(1).argmin()][None]",
        "each[:1]",
        f"{ANSWERING}test_of_several_windows_the_one_that_is_least_for_no_answer_counts",
    ),
    Fault(
        "questions: start and end change places in the native head",
        "heads/native.py",
        "    linear = _linear(network, place)\n    linear.weight.copy_(weight)",
        "    linear = _linear(network, place)\n    linear.weight.copy_(weight.flip(0))",
        f"{ANSWERING}test_plain_transformers_gives_the_same_logits[bert]",
    ),
    Fault(
        "answers: spans that end before they begin count",
        "tasks/answer_spans.py",
        "totals = (np.cumsum(shares[..., 0], axis=1) * shares[..., 1]).sum(1)",
        "totals = shares[..., 0].sum(1) * shares[..., 1].sum(1)",
        f"{SPAN_SHARES}test_the_partition_is_the_sum_over_all_spans",
    ),
    Fault(
        "answers: others may reach into the best one",
        "tasks/answer_spans.py",
        "for begin in range(max(0, first - reach + 1), first):",
        "for begin in range(0):",
        f"{SPAN_SHARES}test_the_best_spans_are_the_best_and_do_not_overlap",
    ),
    Fault(
        "answers: the threshold of no answer is that of an answer",
        "tasks/question_answering.py",
        "        return share, 1 - share\n",
        "        return 1 - share, share\n",
        f"{ASKED}test_the_threshold_of_no_answer_is_the_best_for_the_metric",
    ),
    Fault(
        "answers: one that several people gave counts once",
        "tasks/question_answering.py",
        "true = [self._true(example) for example in examples.examples]",
        "true = [self._distinct(example) for example in examples.examples]",
        f"{ASKED}test_several_answers_share_the_target_by_how_often_they_are_given",
    ),
    Fault(
        "asking: places are those in the passage",
        "runs/asking.py",
        '"start": passage.start + self.start,',
        '"start": self.start,',
        f"{ASKING}test_an_answer_is_as_probable_as_its_passage_times_what_the_reader_says",
    ),
    Fault(
        "asking: what the reader says of having no answer counts alike for all passages",
        "runs/asking.py",
        "sum(share * said.no_answer for share, said in zip(shares, read, strict=True))",
        "max(said.no_answer for said in read)",
        f"{ASKING}test_where_passages_have_no_answer_that_is_what_is_said",
    ),
    Fault(
        "asking: what other passages say of an answer is lost",
        "runs/asking.py",
        "elsewhere=sum(other.score for other in more)",
        "elsewhere=0.0",
        f"{ASKING}test_an_answer_of_several_passages_is_one_with_the_sum_of_its_scores_at_the_likeliest_place",
    ),
    Fault(
        "rerank: a passage that is not there is picked too",
        "objectives/localized_contrastive.py",
        ".masked_fill(places < 0, BARRED)",
        "",
        f"{CROSS}test_a_row_with_fewer_passages_picks_among_fewer",
    ),
    Fault(
        "rerank: the answer is another one than the first",
        "objectives/localized_contrastive.py",
        "first = torch.zeros(len(places)",
        "first = torch.ones(len(places)",
        f"{CROSS}test_the_passage_that_answers_is_picked_among_those_of_its_row_alone",
    ),
    Fault(
        "margin-mse: the two passages are exchanged",
        "objectives/margin_mse.py",
        "passages[pairs[:, 0]] - passages[pairs[:, 1]]",
        "passages[pairs[:, 1]] - passages[pairs[:, 0]]",
        f"{CROSS}test_cosines_are_to_be_as_far_apart_as_the_teacher_has_the_passages",
    ),
    Fault(
        "margin-mse: questions without labels are left out",
        "strategies/margin_mse.py",
        "questions = [*context.train.inputs, *target_texts(context, self.name).inputs]",
        "questions = [*context.train.inputs]",
        f"{RETRIEVING}test_a_teacher_scores_labelled_and_unlabelled_questions",
    ),
    Fault(
        "rerank: what was not read again comes before what was",
        "ranking/fusion.py",
        "np.lexsort((ids, -row, behind))",
        "np.lexsort((ids, row, behind))",
        f"{RANKING}test_ranking.py::test_the_first_few_stand_in_the_order_of_both_scores_and_the_rest_behind_them",
    ),
    Fault(
        "rerank: a fold's cross-encoder learns from the rows that it ranks",
        "strategies/rerank.py",
        "reader, _ = self._trained(part, finder, found.ids[own], None)",
        "reader, _ = self._trained(replace(part, train=context.train), finder, found.ids, None)",
        f"{RETRIEVING}test_a_cross_encoder_and_its_student_rank_what_they_did_not_learn_from",
    ),
    Fault(
        "retrieval: a document counts as often as it has passages",
        "tasks/ranking.py",
        "gains[row, hits.argmax()] = grade",
        "gains[row, hits] = grade",
        "tests/tasks/test_retrieval.py::test_a_document_that_was_cut_is_found_with_the_first_of_its_passages_and_counts_once",
    ),
    Fault(
        "epochs that nothing validated have a number that JSON cannot hold",
        "training/state.py",
        "None if value is not None and math.isnan(value) else value",
        "value",
        f"{RETRIEVING}test_with_few_questions_each_is_ranked_by_what_did_not_learn_from_it",
    ),
    Fault(
        "writing: what ends beyond the beams counts as finished",
        "writing/search.py",
        "(torch.arange(best.shape[1], device=device) >= beams)",
        "(torch.arange(best.shape[1], device=device) >= 2 * beams)",
        f"{WRITER}test_texts_are_those_of_generate_with_any_beams_and_penalty",
    ),
    Fault(
        "writing: the cache stays in the order of the beams before",
        "backbones/seq2seq.py",
        "            self.own.batch_select_indices(rows)\n",
        "            self.own.batch_select_indices(rows.sort().values)\n",
        f"{WRITER}test_texts_are_those_of_generate_with_any_beams_and_penalty",
    ),
    Fault(
        "writing: places of the encoder begin one too early",
        "backbones/warm_start.py",
        "OFFSET = 2",
        "OFFSET = 1",
        f"{WRITER}test_a_warm_start_reads_as_its_encoder_does",
    ),
    Fault(
        "writing: what is read may be written",
        "backbones/warm_start.py",
        "[:, :count] = NEVER",
        "[:, :count] = 0.0",
        f"{WRITER}test_what_is_read_is_never_written",
    ),
    Fault(
        "writing: T5 does not make states smaller",
        "backbones/seq2seq.py",
        "states * config.d_model**-0.5",
        "states",
        f"{WRITER}test_the_loss_is_that_of_the_logits_of_plain_transformers",
    ),
    Fault(
        "writing: smoothing is left out of the slopes",
        "heads/vocabulary.py",
        "        slopes[:, :count] -= smoothing / known.shape[1]\n",
        "        pass\n",
        "tests/heads/test_vocabulary.py::test_the_loss_in_chunks_is_that_of_torch",
    ),
    Fault(
        "batches: rows are alike on one side alone",
        "data/batches.py",
        "np.lexsort((np.where(part % 2 == 0, -other, other), part))",
        "np.argsort(place)",
        "tests/data/test_batches.py::test_rows_of_paired_batches_are_alike_on_both_sides",
    ),
    Fault(
        "TMX: entities of a file are put in",
        "readers/tmx.py",
        "        parser.EntityDeclHandler = self._refuse_entity\n",
        "",
        "tests/readers/test_tmx.py::test_what_is_no_translation_memory_is_refused",
    ),
    Fault(
        "TMX: codes of formatting are taken for text",
        "readers/tmx.py",
        "if self._text is not None and not self._coded:",
        "if self._text is not None:",
        "tests/readers/test_tmx.py::test_words_inside_of_elements_are_kept_and_codes_are_not",
    ),
    Fault(
        "TMX: units that were read stay in memory",
        "readers/tmx.py",
        "                self._done.clear()\n",
        "                self._done = self._done[:]\n",
        "tests/readers/test_tmx.py::test_memory_does_not_grow_with_the_file",
    ),
    Fault(
        "line-aligned files: what the longer one has too many is passed over",
        "readers/aligned.py",
        "            raise DataError(_uneven(path, files))\n",
        "            return\n",
        "tests/readers/test_aligned.py::test_lines_that_are_missing_at_the_end_are_said_to_be",
    ),
    Fault(
        "line-aligned files: the line that is named is that of the end",
        "readers/aligned.py",
        "np.argmin(costs[::-1])",
        "0",
        "tests/readers/test_aligned.py::test_the_line_from_which_lengths_cease_to_fit_is_named",
    ),
    Fault(
        "line-aligned files: a run that goes on does not look whether they have changed",
        "runs/conditions.py",
        "digest(each) for each in files or found",
        "str(each) for each in files or found",
        "tests/doors/test_line_aligned.py::test_a_run_knows_that_one_of_its_files_has_changed",
    ),
    Fault(
        "languages: words of the language that is expected do not count",
        "data/language_profiles.py",
        "max(LEAST, 2 * len(words & (own - others)) + 1)",
        "LEAST",
        "tests/data/test_languages.py::test_common_words_tell_languages_of_one_script_apart",
    ),
    Fault(
        "languages: what was written is held against the wrong one",
        "tasks/written_texts.py",
        "is_in_other(written, target, source)",
        "is_in_other(written, source, target)",
        "tests/tasks/test_text_writing.py::test_doubts_know_the_languages",
    ),
    Fault(
        "languages: swapped ones are not told from one column in the wrong language",
        "checks/languages.py",
        "if all(len(found) > MOST * len(rows) for found in odd):",
        "if False:",
        "tests/checks/test_languages.py::test_languages_that_are_swapped_are_said_with_what_to_say_instead",
    ),
    Fault(
        "writing: a rare word counts as often as it is written",
        "evaluation/measurements/rare_words.py",
        "min(times, said[word])",
        "said[word]",
        "tests/evaluation/measurements/test_writing.py::test_rare_words_are_counted_by_how_often_training_has_them",
    ),
    Fault(
        "writing: scores by length are those of all rows",
        "evaluation/measurements/source_lengths.py",
        "results.take(inside)",
        "results",
        "tests/evaluation/measurements/test_writing.py::test_scores_by_length_are_those_of_the_rows",
    ),
    Fault(
        "writing: unknown words are counted, not texts",
        "strategies/writing.py",
        "len(np.unique(np.searchsorted(written.offsets, places, side=\"right\")))",
        "len(places)",
        "tests/backbones/test_seq2seq.py::test_words_that_the_vocabulary_lacks_are_counted_by_texts",
    ),
    Fault(
        "alignment: links of sentences of thousands of words are made",
        "solving/alignment.py",
        "each if len(each) <= LONGEST else ()",
        "each",
        "tests/strategies/test_writing.py::test_a_sentence_of_thousands_of_words_is_left_out_of_the_lexicon",
    ),
    Fault(
        "writing: states of an encoder that moves are looked up",
        "strategies/writing.py",
        "    if own & moving:\n",
        "    if own == moving:\n",
        f"{TUNING}test_states_of_a_frozen_encoder_are_computed_once_and_change_nothing",
    ),
    Fault(
        "writing: states of a frozen encoder are computed in each epoch",
        "strategies/writing.py",
        "            backbone.shortcut = found\n",
        "            pass\n",
        f"{TUNING}test_states_of_a_frozen_encoder_are_computed_once_and_change_nothing",
    ),
    Fault(
        "writing: the weights before training cannot be the best",
        "strategies/writer_tuning.py",
        "epochs, rate, keep_start=pretrained)",
        "epochs, rate, keep_start=False)",
        f"{TUNING}test_training_lowers_the_loss_and_may_keep_the_weights_before",
    ),
    Fault(
        "writing: what is trained apart does not come back into the table",
        "backbones/seq2seq.py",
        "            self._own.put(self._shared.weight)\n",
        "",
        f"{WRITER}test_words_that_are_parted_say_the_same_and_are_joined_again",
    ),
    Fault(
        "writing: special tokens are hidden too",
        "objectives/seq2seq.py",
        "drawn & ~kept",
        "drawn",
        f"{WRITER}test_words_that_are_read_are_hidden_in_training_alone",
    ),
    Fault(
        "writing: what stands in front of a text is not saved",
        "backbones/seq2seq.py",
        "        write_prompts(folder, self.prompts)\n",
        "",
        f"{TUNING}test_saved_loaded_and_by_the_lines_of_the_card_it_writes_the_same",
    ),
    Fault(
        "languages: a text begins with the language that is read",
        "backbones/languages.py",
        "backbone.marks.end, tags[written])",
        "backbone.marks.end, tags[read])",
        f"{TUNING}test_a_network_of_many_languages_is_told_which",
    ),
    Fault(
        "languages: of two scripts the first is taken",
        "backbones/languages.py",
        "    if len(found) == 1:\n",
        "    if found:\n",
        f"{TUNING}test_codes_of_languages_are_those_of_the_model_or_of_everybody",
    ),
    Fault(
        "back-translation: texts that are scored are learnt from",
        "runs/splitting.py",
        '[text for label in part.labels for text in label] if task.target_kind == "text" else part.keys',
        "part.keys",
        f"{BACK_TRANSLATION}test_texts_alone_are_lines_or_a_column_and_none_that_is_scored",
    ),
    Fault(
        "back-translation: a fold's other direction learns from the rows held out",
        "strategies/back_translation.py",
        "self._both(part, texts)[0]",
        "self._both(replace(part, train=context.train), texts)[0]",
        f"{BACK_TRANSLATION}test_each_fold_has_a_model_of_the_other_direction_of_its_own",
    ),
    Fault(
        "strategies: a backbone that one that is named cannot start from is taken",
        "strategies/offers.py",
        "(named or all(reasons.values()))",
        "all(reasons.values()) and not named",
        f"{TUNING}test_networks_that_a_strategy_cannot_start_from_are_refused_before_weights_are_read",
    ),
    Fault(
        "BLEU: a text that is too short is not punished",
        "metrics/written.py",
        "np.where(said > 0, np.exp(1 - true / said), 0.0)",
        "1.0",
        "tests/metrics/test_written.py::test_sums_of_rows_give_the_corpus_scores_of_sacrebleu",
    ),
    Fault(
        "writing: further references are passed over",
        "metrics/written.py",
        "most = max(map(len, references))",
        "most = 1",
        "tests/metrics/test_written.py::test_sums_of_rows_give_the_corpus_scores_of_sacrebleu",
    ),
    Fault(
        "overlap: pairs that are not known are taken for others",
        "predictors/overlap.py",
        "found.append(at[codes[at] == wanted])",
        "found.append(at[at < len(self.pairs)])",
        f"{OVERLAP}test_pairs_that_true_words_have_are_the_features",
    ),
    Fault(
        "selection: other places of a span stand in the question",
        "objectives/span_selection.py",
        "    least = places[at - 1][1] if at else 0\n",
        "    least = 0\n",
        f"{SELECTION}test_of_two_places_in_one_sentence_the_other_one_stays_in_the_context",
    ),
    Fault(
        "selection: spans end at the word behind their last",
        "objectives/span_selection.py",
        "number[behind - 1], 2]",
        "number[behind], 2]",
        f"{SELECTION}test_the_sentence_around_a_hidden_span_asks_for_its_other_places_in_the_rest",
    ),
    Fault(
        "selection: a hidden span asks the same in every pass",
        "objectives/span_selection.py",
        "        draws = prepared.drawn(indices, 2, WHICH)\n",
        "        draws = prepared.drawn(indices % len(prepared), 2, WHICH)\n",
        f"{SELECTION}test_what_is_asked_changes_from_pass_to_pass_and_is_the_same_in_any_company",
    ),
    Fault(
        "selection: words are in two spans",
        "data/recurring.py",
        "                    taken[at : at + size] = [True] * size\n",
        "                    taken[at] = True\n",
        "tests/data/test_recurring.py",
    ),
    Fault(
        "selection: the head that lies beside the weights is not gone on from",
        "heads/span_map.py",
        "    if known is not None:\n        head.set(known)\n",
        "",
        f"{SELECTION}test_the_network_is_published_with_its_head_and_goes_on_from_it",
    ),
    Fault(
        "selection: a head is fitted in the place of the one that was learnt",
        "strategies/training_run.py",
        "    if head_first and not heads[HEAD].known:\n",
        "    if head_first:\n",
        "tests/strategies/test_known_heads.py::test_a_head_beside_the_weights_is_gone_on_from_and_none_is_fitted",
    ),
    Fault(
        "questions: what stands behind the articles is not looked at",
        "readers/squad.py",
        "    if found is True or (not inside and found):\n",
        "    if not inside and found:\n",
        f"{SQUAD}test_a_damaged_document_is_refused_and_not_read_in_part",
    ),
    Fault(
        "questions: what cannot be used has no number",
        "readers/squad.py",
        "                number += 1\n",
        "                number += isinstance(question, dict)\n",
        f"{SQUAD}test_what_cannot_be_used_is_left_out_with_its_number_and_place",
    ),
    Fault(
        "questions: the unit of offsets is always that of characters",
        "data/answers.py",
        "    return max(fitting, key=lambda unit: fitting[unit])\n",
        "    return UNITS[0]\n",
        f"{ANSWERS}test_the_unit_of_a_file_is_found_over_all_rows_and_answers_are_at_their_places",
    ),
    Fault(
        "questions: an answer that is not at its offset is taken where it stands first",
        "data/answers.py",
        "        if not alone:\n            raise",
        "        if not context:\n            raise",
        f"{ANSWERS}test_what_is_no_answer_of_its_context_is_a_fault",
    ),
    Fault(
        "questions: empty references count beside others in version 2.0",
        "metrics/answers.py",
        'if each] if rules == "2.0"',
        'if each] if rules == "2"',
        "tests/metrics/test_answers.py::test_a_thousand_random_predictions_score_as_the_official_scripts_say_to_the_last_digit",
    ),
    Fault(
        "decisions: thresholds of what has no labels",
        "decisions/thresholds.py",
        'if self.values and task.target_kind not in ("label", "labels", "answer"):',
        "if not task.names:",
        CHANGED + "test_a_decision_that_would_have_no_vote_is_refused",
    ),
    Fault(
        "folders: files of others go with the folder",
        "manifest.py",
        "            if path not in own and not by_name and name not in LEFT_BY_SYSTEMS:\n",
        "            if path not in own and not by_name and not name:\n",
        "tests/test_artifact.py",
    ),
    Fault(
        "flags: one wins over the other in silence",
        "cli/options.py",
        "        if _same_key(known[name], known[other])\n",
        "        if known[name] is known[other]\n",
        "tests/cli/test_commands.py::test_a_key_is_given_once",
    ),
    Fault(
        "budgets: three hours are kept of a long one",
        "runs/planning.py",
        "min(LAST_SHARE * (self.recipe.limit or 0.0), MOST_LAST)",
        "LAST_SHARE * (self.recipe.limit or 0.0)",
        "tests/evaluation/measurements/test_base.py::test_what_a_measurement_costs_is_kept_back_from_a_budget",
    ),
    Fault(
        "streams: a full disk goes unsaid",
        "cli/streams.py",
        "        if self._failed is not None and self.name is not None:\n",
        "        if self._failed is not None and self.name is None:\n",
        STREAMS + "test_streams_that_are_closed_full_or_not_read",
    ),
    Fault(
        "passages are cut inside of characters that readers see as one",
        "ranking/chunking.py",
        "        if held < at < end and _is_free(text, at):\n",
        "        if held < at < end:\n",
        f"{RANKING}test_chunking.py::test_no_passage_is_longer_than_asked_for_unless_it_is_one_character_and_none_cuts_one",
    ),
    Fault(
        "sections of a document begin at a wrong place",
        "ranking/chunking.py",
        "        base, held = base + rest, held[rest:]\n",
        "        base, held = base + ready, held[rest:]\n",
        f"{RANKING}test_chunking.py::test_documents_that_come_in_sections_are_cut_as_those_that_come_whole",
    ),
    Fault(
        "equal scores come in any order",
        "ranking/exact.py",
        "        order = np.lexsort((chosen, -each[chosen]))[:k]\n",
        "        order = np.argsort(-each[chosen])[:k]\n",
        f"{RANKING}test_ranking.py::test_the_best_are_those_of_a_stable_sort",
    ),
    Fault(
        "a block of vectors is left out though it holds a better one",
        "ranking/exact.py",
        "not (products > held[:, -1:]).any()",
        "not (products > held[:, :1]).any()",
        f"{RANKING}test_ranking.py::test_blocks_of_vectors_make_no_difference",
    ),
    Fault(
        "passages without a word of the query are found",
        "ranking/bm25.py",
        "np.flatnonzero(every > 0)",
        "np.flatnonzero(every >= 0)",
        f"{RANKING}test_bm25.py::test_equal_scores_come_by_number_and_a_text_without_a_word_of_the_query_does_not_come",
    ),
    Fault(
        "a text that takes the place of the one it copied has another's vector",
        "indexes/generation.py",
        "    old = np.searchsorted(before.ranked, before.passages.first[rows])\n",
        "    old = np.minimum(np.arange(len(rows)), len(before.ranked) - 1)\n",
        f"{INDEXES}test_a_changed_index_is_the_one_that_is_made_of_what_it_holds",
    ),
    Fault(
        "large files are not checked before an index is changed",
        "indexes/index.py",
        "            before.verify()\n",
        "",
        f"{INDEXES}test_large_files_are_read_whole_before_an_index_is_changed",
    ),
    Fault(
        "replaced documents stay in an index",
        "indexes/index.py",
        "                over = np.concatenate([out, *there.values()])\n",
        "                over = out\n",
        f"{INDEXES}test_documents_come_in_replace_those_of_their_name_and_go",
    ),
    Fault(
        "files of an index are opened when they are first asked for",
        "indexes/publishing.py",
        "                _ = found.bm25\n",
        "                pass\n",
        f"{INDEXES}test_who_reads_goes_on_reading_while_the_index_changes",
    ),
    Fault(
        "an index that was killed at its manifest cannot be made again",
        "indexes/publishing.py",
        "if not path.name.startswith((UNFINISHED, DISCARDED))",
        "",
        f"{INDEXES.replace('test_index', 'test_kills')}test_what_was_left_of_an_index_that_was_killed_makes_way",
    ),
    Fault(
        "what answers too is a negative",
        "objectives/passage_ranking.py",
        "own = prepared.copies[[*prepared.answering(int(row)), prepared.positives[row]]]",
        "own = prepared.copies[[prepared.positives[row]]]",
        "tests/objectives/test_passage_ranking.py::test_what_answers_too_is_no_negative",
    ),
    Fault(
        "passages that are equal are told apart in a batch",
        "objectives/passage_ranking.py",
        "barred[at] = np.isin(prepared.copies[used], own)",
        "barred[at] = np.isin(used, own)",
        "tests/objectives/test_passage_ranking.py::test_a_copy_of_the_right_passage_is_no_negative",
    ),
    Fault(
        "the gain is discounted by the rank itself",
        "metrics/ranking.py",
        "np.log2(np.arange(gains.shape[1]) + 2.0)",
        "(np.arange(gains.shape[1]) + 1.0)",
        "tests/metrics/test_ranking.py",
    ),
    Fault(
        "recall counts the first relevant ones alone",
        "metrics/ranking.py",
        "(results.ideal > 0).sum(1)",
        "(results.ideal[:, :most] > 0).sum(1)",
        "tests/metrics/test_ranking.py::test_recall_is_the_share_of_all_relevant_ones_that_was_found",
    ),
    Fault(
        "what answers is drawn as a negative",
        "strategies/retrieving.py",
        "own[(own >= 0) & ~np.isin(own, np.asarray(answers, dtype=np.int64))]",
        "own[own >= 0]",
        "tests/strategies/test_retrieval.py::test_negatives_are_drawn_from_what_does_not_answer",
    ),
    Fault(
        "a retrieval task forgets its passages when it is changed",
        "tasks/ranking.py",
        "        found._passages = self._passages\n",
        "",
        "tests/tasks/test_retrieval.py::test_a_revised_task_searches_the_same_passages",
    ),
    Fault(
        "a grade of 0 is taken for an answer",
        "tasks/relevance.py",
        "for row, grade in own.items() if grade > 0}",
        "for row, grade in own.items()}",
        "tests/tasks/test_retrieval.py::test_questions_that_nothing_answers_are_left_out_and_counted",
    ),
    Fault(
        "grouping: a vector is a pair with itself", "grouping/pairs.py", "reached = np.triu(reached, 1)", "reached = np.triu(reached)",
        "tests/grouping/test_pairs.py::test_blocks_find_the_pairs_that_all_products_have",
    ),
    Fault(
        "grouping: copies have no weight for the representative", "grouping/groups.py", "own, weights = vectors[members], counts[members]",
        "own, weights = vectors[members], np.ones_like(counts[members])",
        "tests/grouping/test_groups.py::test_copies_count_as_rows_when_the_representative_is_chosen",
    ),
    Fault(
        "grouping: a threshold is judged by the pairs that chose it", "grouping/thresholds.py",
        "found = _lowest(cosines[~own], same[~own], least)", "found = _lowest(cosines, same, least)",
        "tests/grouping/test_thresholds.py::test_pairs_that_belong_together_are_judged_together",
    ),
    Fault(
        "grouping: texts stand in the order of their rows", "grouping/distinct.py",
        "order = sorted(range(len(spelled)), key=spelled.__getitem__)", "order = list(range(len(spelled)))",
        "tests/grouping/test_distinct.py::test_the_texts_and_their_order_are_the_same_in_whatever_order_rows_come",
    ),
    Fault(
        "grouping: more clusters need not be worth it", "grouping/clusters.py", "trial.silhouette >= NEARLY * highest",
        "trial.silhouette >= highest",
        "tests/grouping/test_clusters.py::test_the_fewest_clusters_with_nine_tenths_of_the_highest_silhouette_are_made",
    ),
    Fault(
        "dialogues: a system in a message becomes who answers", "data/dialogues.py",
        'turn[who], _text(turn[what], at), who == "speaker"', "turn[who], _text(turn[what], at), True",
        DIALOGUES + "test_a_system_is_the_assistant_only_where_speakers_have_names_and_nobody_else_answers",
    ),
    Fault(
        "dialogues: speakers more than turns", "data/dialogues.py",
        "    if len(turns) != len(speakers):\n", "    if False:\n",
        DIALOGUES + "test_speakers_that_do_not_fit_the_turns_are_refused",
    ),
    Fault(
        "dialogues: blank turns are kept", "data/dialogues.py",
        "isinstance(content, str) and is_blank(content)", "content == ''",
        DIALOGUES + "test_what_is_no_dialogue_is_refused_in_words",
    ),
    Fault(
        "replies: rows of a dialogue stand for themselves", "tasks/response_selection.py",
        "groups = np.array(rows, dtype=np.int64)", "groups = np.arange(len(rows))",
        "tests/strategies/test_response_selection.py::test_no_dialogue_stands_in_two_parts",
    ),
    Fault(
        "replies: a row may be judged on its own reply twice", "tasks/response_selection.py",
        "others = np.setdiff1d(pool, (*turns.relevant, *turns.said))", "others = pool",
        REPLIES + "test_each_reply_is_told_from_nine_others_which_hang_on_its_dialogue_and_the_part_alone",
    ),
    Fault(
        "replies: all rows have the same others", "tasks/response_selection.py",
        "hashlib.blake2b(turns.key.encode(), digest_size=8)", 'hashlib.blake2b(b"", digest_size=8)',
        REPLIES + "test_each_reply_is_told_from_nine_others_which_hang_on_its_dialogue_and_the_part_alone",
    ),
    Fault(
        "replies: what is not ranked stands in front", "tasks/response_selection.py",
        "(places.get(number, len(places)), number)", "(places.get(number, -1), number)",
        REPLIES + "test_the_place_of_a_reply_is_that_among_those_drawn_and_what_is_not_ranked_stands_behind_by_number",
    ),
    Fault(
        "replies: system text is read", "tasks/response_selection.py",
        'said = [turn for turn in dialogue if turn.role != "system"]', "said = [*dialogue]",
        REPLIES + "test_what_a_system_says_is_neither_read_nor_a_reply",
    ),
    Fault(
        "replies: long contexts lose their end", "backbones/tokenizing.py",
        'copy.enable_truncation(self.max_length, direction="left")', "copy.enable_truncation(self.max_length)",
        "tests/strategies/test_response_selection.py::test_of_what_is_too_long_the_last_turns_are_read_by_the_card_too",
    ),
    Fault(
        "replies: a part is judged on the replies of all parts", "predictors/passages.py",
        "len(pool), among=pool, progress=progress)", "len(self.numbers), progress=progress)",
        "tests/strategies/test_response_selection.py::"
        "test_saved_and_loaded_it_picks_the_same_and_scores_are_of_the_replies_of_the_part",
    ),
    Fault(
        "export: the gate lets everything pass", "runs/exporting.py",
        "        if not agreement.is_enough(recipe.numbers):\n", "        if False:\n",
        EXPORTED + "test_an_export_that_writes_otherwise_is_refused_with_the_numbers",
    ),
    Fault(
        "export: BLEU near nothing is enough", "runs/exporting.py", "(kept and self.tokens >= LEAST_COMMON)", "kept",
        EXPORTED + "test_an_export_that_writes_otherwise_is_refused_with_the_numbers",
    ),
    Fault(
        "export: digests are not compared", "exports/folder.py", "if digest_of(folder, name) != expected:", "if False:",
        EXPORTED + "test_a_changed_file_is_refused_and_the_network_is_still_there",
    ),
    Fault(
        "export: that of another network is used", "exports/folder.py", "if found.network != network:", "if False:",
        EXPORTED + "test_the_export_of_another_network_is_refused",
    ),
    Fault(
        "export: a text may not end at once", "exports/ctranslate2.py", "min_decoding_length=0", "min_decoding_length=1",
        EXPORTED + "test_in_float32_texts_scores_and_ends_are_those_of_the_network",
    ),
    Fault(
        "export: one limit for all texts", "exports/ctranslate2.py", "max_decoding_length=limit", "max_decoding_length=256",
        EXPORTED + "test_in_float32_texts_scores_and_ends_are_those_of_the_network",
    ),
    Fault(
        "export: weights are quantized in place", "exports/ctranslate2.py", "copy.deepcopy(backbone.network).cpu()",
        "backbone.network",
        EXPORTED + "test_converting_leaves_the_network_as_it_is",
    ),
    Fault(
        "predict: what was written with other beams is taken up", "serving/files.py", "        key |= predictor.conditions\n", "",
        EXPORTED + "test_what_was_written_in_another_way_is_not_taken_up",
    ),
    Fault(
        "stream: lines wait for each other", "serving/streaming.py", "at_once=1", "at_once=2",
        "tests/serving/test_streaming.py::test_a_line_is_answered_before_the_next_one_is_read",
    ),
    Fault(
        "stream: answers are not flushed", "cli/main.py", "            print_json(row)\n            sys.stdout.flush()\n",
        "            print_json(row)\n",
        "tests/serving/test_streaming.py::test_a_slow_writer_gets_each_answer_and_ctrl_c_ends_it_with_the_latency",
    ),
    Fault(
        "chat: what ends a turn is not learnt", "backbones/chat.py", "len(before) + (len(said.rstrip()) or len(said))",
        "len(before) + len(turn.text)",
        CAUSAL + "test_the_loss_of_replies_is_that_of_each_dialogue_alone_reply_by_reply",
    ),
    Fault(
        "chat: what the user says is learnt too", "backbones/chat.py", '            if turn.role != "assistant":\n                continue\n',
        "",
        CAUSAL + "test_the_loss_of_replies_is_that_of_each_dialogue_alone_reply_by_reply",
    ),
    Fault(
        "chat: what the system says is left out with the oldest turns", "backbones/chat.py",
        "(*dialogue[:first], *dialogue[last:])", "dialogue[last:]",
        CAUSAL + "test_the_oldest_turns_of_a_long_dialogue_are_left_out_whole_but_what_the_system_says_stays",
    ),
    Fault(
        "chat: padding in front is read", "predictors/causal.py",
        "more[\"position_ids\"] = (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]",
        "more[\"position_ids\"] = (mask.cumsum(1) * 0).clamp(min=0)[:, -ids.shape[1] :]",
        CAUSAL + "test_what_comes_next_is_what_generate_writes_for_prompts_of_several_lengths",
    ),
    Fault(
        "chat: a reply that is left half way is lost", "runs/chatting.py",
        'self.turns = (*self.turns, Turn("assistant", answer)) if answer else before', "self.turns = before",
        "tests/runs/test_chatting.py::test_of_a_reply_that_is_left_half_way_what_came_is_kept",
    ),
    Fault(
        "sampling: what is drawn hangs on the rows beside it", "writing/sampling.py", "numbers[rows.cpu().numpy()]",
        "rows.cpu().numpy()",
        DRAWN + "test_a_text_hangs_on_its_number_and_the_seed_not_on_those_beside_it",
    ),
    Fault(
        "sampling: the word by which the share is reached is left out", "writing/sampling.py",
        "(shares.cumsum(1) - shares) / shares", "shares.cumsum(1) / shares",
        DRAWN + "test_few_of_the_likeliest_words_or_those_of_a_share_are_drawn_from",
    ),
    Fault(
        "instructing: the instruction is not kept", "predictors/causal.py",
        'said = {"instruction": self.instruction} if self.instruction else {}', "said: dict[str, str] = {}",
        "tests/strategies/test_instructing.py::test_pairs_are_learnt_by_heart_and_written_by_what_is_saved",
    ),
    Fault(
        "instructing: the control has the weights of the folder", "strategies/instructing.py",
        "inner.backbone(pretrained=pretrained, dropout", "inner.backbone(dropout",
        "tests/strategies/test_instructing.py::test_the_control_has_the_network_with_random_weights_and_the_same_instruction",
    ),
    Fault(
        "streaming: what waits for the rest of a character is never shown", "writing/sampling.py",
        "    if len(text) > shown:\n        yield text[shown:]\n\n\ndef sample", "\n\ndef sample",
        DRAWN + "test_a_character_is_shown_once_it_is_whole_and_all_is_shown_at_the_end",
    ),
    Fault(
        "streaming: beams are followed where nothing can be shown", "runs/inference.py", "return recipe.revised(beams=1)", "return recipe",
        "tests/strategies/test_writing.py::test_saved_and_loaded_it_writes_the_same",
    ),
    Fault(
        "pairs: the map between the widths is left out", "backbones/pairs.py",
        "return states if between is None else between(states)", "return states if True else between(states)",
        WRITER + "test_texts_are_those_of_generate_with_any_beams_and_penalty",
    ),
    Fault(
        "pairs: the bias of the last map is left out", "backbones/pairs.py",
        "return last.weight[some], None if last.bias is None else last.bias[some]", "return last.weight[some], None",
        WRITER + "test_the_loss_is_that_of_the_logits_of_plain_transformers",
    ),
    Fault(
        "pairs: a text to be written has no end", "backbones/pairs.py",
        "tokenizer.reframed([], [mark], [mark], settings)", "tokenizer.reframed([], [], [mark], settings)",
        "tests/strategies/test_pairs.py::test_texts_of_a_pretrained_decoder_end_with_its_own_token",
    ),
    Fault(
        "pairs: pretrained weights move at the whole rate", "strategies/warm_start.py",
        "LayerGroup(known, self.encoder_rate if pretrained else 1.0)", "LayerGroup(known, 1.0)",
        "tests/strategies/test_pairs.py::test_a_pretrained_decoder_moves_as_its_encoder_does_and_what_is_new_at_the_whole_rate",
    ),
    Fault(
        "prompting: an answer is scored without the tokens that it shares with the prompt", "predictors/continuations.py",
        "cut = max(1, min(_alike(alone, each) for each in joined))", "cut = len(alone)",
        "tests/predictors/test_continuations.py::test_an_answer_that_a_tokenizer_joins_with_the_text_is_scored_from_there",
    ),
    Fault(
        "prompting: later tokens of an answer do not count", "predictors/continuations.py",
        "self._place)] += total", "self._place)] += 0 * total",
        "tests/predictors/test_continuations.py::test_scores_are_those_of_each_text_with_each_answer_by_itself",
    ),
    Fault(
        "prompting: padding is read", "predictors/continuations.py", "mask = torch.cat([mask.new_ones(len(before), common), mask], 1)",
        "mask = torch.ones(len(before), common + mask.shape[1], dtype=mask.dtype)",
        "tests/predictors/test_continuations.py::test_scores_are_those_of_each_text_with_each_answer_by_itself",
    ),
    Fault(
        "prompting: a row stands among its own examples", "strategies/prompting.py",
        "own = self._asking(part, asked.model, asked.prompt, asked.scale)", "own = self._asking(context, asked.model, asked.prompt, asked.scale)",
        "tests/strategies/test_prompting.py::test_with_folds_no_row_is_among_its_own_examples",
    ),
    Fault(
        "prompting: the most similar example stands first", "predictors/prompted.py", "own[: self.nearest][::-1]", "own[: self.nearest]",
        "tests/strategies/test_prompting.py::test_examples_are_balanced_near_or_any_and_none_is_asked_about_itself",
    ),
    Fault(
        "prompting: the bias is not kept", "predictors/prompted.py", "bias=np.array(about.bias), normalised", "normalised",
        "tests/strategies/test_prompting.py::test_saved_and_loaded_it_says_the_same_as_plain_transformers_by_the_card",
    ),
    Fault(
        "prompting: the end of an answer in a conversation is not the template's", "predictors/rendering.py", "close or END", "END",
        "tests/strategies/test_prompting.py::test_a_conversation_is_what_transformers_makes_of_it_and_answers_begin_the_assistant_s_turn",
    ),
    Fault(
        "prompting: the line that makes numbers is not kept", "predictors/prompted.py",
        "NumberScale(tuple(about.scale.values), about.scale.slope, about.scale.offset)", "NumberScale(tuple(about.scale.values))",
        "tests/strategies/test_prompting.py::test_a_number_is_the_mean_of_its_words_by_their_probabilities_on_the_line_of_least_squares",
    ),
    Fault(
        "suggest: near copies are suggested side by side", "grouping/diverse.py", "components.link(*near_copies(texts, NEAR))",
        "components.link(*near_copies(texts[:0], NEAR))",
        "tests/runs/test_suggesting.py::test_copies_are_suggested_once_and_labelled_texts_never",
    ),
    Fault(
        "suggest: a text that is labelled is suggested again", "grouping/diverse.py",
        "np.where(np.isin(numbers, numbers[labelled]), -1, numbers)", "numbers",
        "tests/runs/test_suggesting.py::test_rows_with_a_label_are_left_out",
    ),
    Fault(
        "suggest: thresholds of the model do not count", "tasks/single_label.py", "shares = shares / outputs.thresholds",
        "shares = shares * 1.0", "tests/runs/test_suggesting.py::test_decisions_of_the_model_count",
    ),
    Fault(
        "suggest: a row is as uncertain as its most certain choice", "runs/suggesting.py", "np.maximum.reduceat(uncertainty",
        "np.minimum.reduceat(uncertainty",
        "tests/runs/test_suggesting.py::test_sentences_are_as_uncertain_as_their_least_certain_word",
    ),
    Fault(
        "suggest: a cluster that holds a labelled text is not passed over", "grouping/diverse.py",
        "if not labelled[members].any()]", "if len(members)]",
        "tests/grouping/test_diverse.py::test_heaps_with_a_labelled_vector_are_passed_over_and_the_largest_comes_first",
    ),
    Fault(
        "suggest: uncertainty has no weight in a cluster", "grouping/diverse.py",
        "found = fitted(vectors, weights, count", "found = fitted(vectors, np.ones(len(weights)), count",
        "tests/grouping/test_diverse.py::test_one_vector_of_each_heap_is_taken_and_it_is_nearest_to_the_weighted_centre",
    ),
    Fault(
        "marian: texts are cut into pieces of the other side", "backbones/marian.py", "vocabulary.append([ELSEWHERE + word, rare])",
        "vocabulary.append([word, rare])",
        "tests/backbones/test_marian.py::test_texts_have_the_ids_that_the_library_gives_them_and_come_back",
    ),
    Fault(
        "marian: what is written is cut as what is read", "backbones/seq2seq.py",
        "for each, around in ((self.tokenizer, frames.read), (self.target, frames.written))",
        "for each, around in ((self.tokenizer, frames.read), (self.tokenizer, frames.written))",
        "tests/backbones/test_marian.py::test_the_language_to_be_written_stands_in_front_where_there_are_several",
    ),
    Fault(
        "writing: what a folder forbids is written", "backbones/seq2seq.py", "scores[:, self.never] = NEVER", "pass",
        "tests/backbones/test_marian.py::test_words_that_the_folder_forbids_are_never_written",
    ),
    Fault(
        "writing: what a folder forbids is forgotten when it is saved", "backbones/seq2seq.py",
        "stated.bad_words_ids = [[each] for each in self.never] or None", "pass",
        "tests/backbones/test_marian.py::test_what_is_saved_reads_and_writes_the_same_without_the_models",
    ),
    Fault(
        "a corpus names one unreadable file at a time", "ranking/sources.py",
        "found.append(str(error))\n        if len(found)", "pass\n        if len(found)",
        "tests/ranking/test_sources.py::test_all_files_that_cannot_be_read_are_named_at_once",
    ),
)  # fmt: skip


def found(fault: Fault, source: Path) -> str:
    """How a planted fault ended, in a word: `red`, as it should."""
    path = source / "headstart" / fault.file
    whole = path.read_text(encoding="utf-8")
    if whole.count(fault.old) != 1:
        return f"the line is {whole.count(fault.old)} times in {fault.file}"
    path.write_text(whole.replace(fault.old, fault.new), encoding="utf-8")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", fault.test],
            cwd=ROOT, env=os.environ | {"PYTHONPATH": str(source)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        path.write_text(whole, encoding="utf-8")
    return {0: "GREEN: nothing found it", 1: "red"}.get(done.returncode, f"pytest ended with {done.returncode}")


def main() -> int:
    """Plant them all, or those that were named."""
    words = sys.argv[1:]
    wanted = [fault for fault in FAULTS if not words or any(word in fault.name for word in words)]
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "src"
        shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        for fault in wanted:
            outcome = found(fault, source)
            missed += outcome != "red"
            sys.stdout.write(f"{outcome:<28} {fault.name}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(wanted) - missed} of {len(wanted)} faults found\n")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
