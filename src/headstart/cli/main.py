"""The `headstart` command: reads the words, calls `run`, prints what came of it."""

from __future__ import annotations

import os
import sys
import threading
import time
from functools import partial
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from headstart.cli import inspection
from headstart.cli.answering import STREAMED
from headstart.cli.dashes import TEXTS_OF, with_texts
from headstart.cli.display import progress_for
from headstart.cli.inspection import JSON
from headstart.cli.printing import print_json, say_notes, show
from headstart.cli.streams import readable
from headstart.errors import HeadstartError, Interrupted, RecipeError, bounded
from headstart.recipes.verbs import VERBS
from headstart.runtime.interrupts import exit_code, watched
from headstart.runtime.memory import is_out_of_memory, out_of_memory, refuse_narrow
from headstart.runtime.team import started
from headstart.unseen import on_one_line

STARTED = time.perf_counter()
"""A budget counts from here; the interpreter's own start came before, a few hundredths of a second."""
CLICK_ERROR: type[Exception] = next(cls for cls in typer.BadParameter.__mro__ if cls.__name__ == "ClickException")
"""Base of errors in the words of a command; typer has its own copy of click or uses click, by version."""


class Overview(TyperGroup):
    """Commands with their whole line of help, which typer cuts."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """A line of help for each command, in order."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.commands[name].help or "") for name in self.list_commands(ctx)])


def main() -> None:
    """Entry point; ends the process with a documented exit code."""
    if started().rank:  # the first of several processes talks for all
        sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    with readable():
        _leave(_carried_out())


def _carried_out() -> int:
    """Do what the words of the command line say; gives the exit code."""
    try:
        refuse_narrow()
        with watched(terminate=True):
            code = application(sys.argv[1:])(with_texts(sys.argv[1:]), standalone_mode=False)
        if code == 130:  # what typer makes of KeyboardInterrupt
            print("stopped", file=sys.stderr)
            code = exit_code()
    except HeadstartError as error:
        return _refused(error)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return exit_code()
    except SystemExit as leaving:
        code = leaving.code
    except CLICK_ERROR as error:
        _explain_usage(error)
        return 2
    except BaseException as error:  # a panic of a library in Rust is no Exception
        if os.environ.get("HEADSTART_DEBUG"):
            raise
        if is_out_of_memory(error):
            return _refused(out_of_memory(error))
        _refused(error, f"{type(error).__name__}: {error}")
        print("This is a fault of headstart. Set HEADSTART_DEBUG=1 to see where.", file=sys.stderr)
        return 1
    return code if isinstance(code, int) else 0


def _refused(error: BaseException, message: str = "") -> int:
    """Say what is wrong; further lines are indented, so that none passes for one of the command. Gives the exit code."""
    first, *rest = bounded(message or str(error)).split("\n")
    indented = [line if line.startswith("  ") else f"  {line}" for line in rest]
    print("\n".join([f"error: {first}", *indented]), file=sys.stderr)
    return error.exit_code if isinstance(error, HeadstartError) else 1


def _explain_usage(error: Any) -> None:
    """Say what is wrong with the words of a command, in one line; the help where there were none."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return
    path = error.ctx.command_path if getattr(error, "ctx", None) else "headstart"
    message = error.format_message().rstrip(".")
    verb = VERBS.meant(path.rpartition(" ")[2], sys.argv[1:])
    if type(error).__name__ == "NoSuchOption" and verb in (*VERBS.names(), "run"):
        from headstart.cli.unknown import as_sets, unknown_options

        message = (as_sets(sys.argv[1:]) if verb == "run" else unknown_options(verb, sys.argv[1:])) or message
        if verb in TEXTS_OF and "did you mean" not in message:
            message += f" (a text that begins with a dash goes behind two: headstart {verb} RUN -- TEXT)"
    if "unexpected extra argument" in message and verb in ("fit", "compare", "tune", "evaluate", "init"):
        tests = "; a file of rows to score on is named with --test" if verb in ("fit", "compare", "tune") else ""
        message += (
            f": {verb} reads one file, so put the rows of several together (and a name with blanks in quotes){tests}"
        )
    print(f"error: {bounded(on_one_line(message))}; see {path} --help", file=sys.stderr)


def _leave(code: int) -> None:
    try:
        sys.stdout.flush()
    except HeadstartError as error:
        code = code or _refused(error)
    except SystemExit:  # nobody reads any longer
        pass
    sys.stderr.flush()
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread() and not thread.daemon]
    if started().size > 1 or (others and code > 128):
        # A thread of gloo that wants the interpreter while it is being taken down aborts the process (seen: SIGABRT); those of a
        # download that was stopped would be waited for until it is done.
        os._exit(code)
    sys.exit(code)


def application(words: list[str]) -> typer.Typer:
    """The command tree; only the verb among `words` gets its flags, the others just their line of help."""
    app = typer.Typer(
        cls=Overview,
        help="Transfer learning with language models, measured.",
        context_settings={"help_option_names": ["-h", "--help"]},
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    asked = next((word for word in words if not word.startswith("-")), "")
    for verb in VERBS.names():
        if verb == asked:
            from headstart.cli.help import command_class
            from headstart.cli.options import command

            meant = VERBS.meant(verb, words)
            act = command(meant, partial(_act, meant), words)
            app.command(verb, help=VERBS.summary(verb), cls=command_class(meant, TyperCommand))(act)
        else:
            app.command(verb, help=VERBS.summary(verb))(_stub)
    app.command("run", help="Any of the above from a recipe file.")(_run)
    loose = {"ignore_unknown_options": True}
    about = "One option in detail: type, choices, default, whose it is, an example."
    app.command("explain", help=about, context_settings=loose)(inspection.explain)
    app.command("schema", help="The JSON Schema of recipe files, for editors that complete and check them.")(
        inspection.schema
    )
    app.command("list", help="Components by name: strategies, tasks, readers, backbones, objectives.")(
        inspection.list_components
    )
    show = typer.Typer(cls=Overview, help="A model or a recipe in detail.", no_args_is_help=True, rich_markup_mode=None)
    show.command("model", help="Layers, parameters and limits of a backbone, or what a run has learnt.")(
        inspection.show_model
    )
    show.command("recipe", help="A recipe with all its keys; --resolved fills in what is guessed.")(
        inspection.show_recipe
    )
    app.add_typer(show, name="show")
    cache = typer.Typer(
        cls=Overview, help="What is kept of frozen layers from run to run.", no_args_is_help=True, rich_markup_mode=None
    )
    cache.command("show", help="Folder, limit and what is in it.")(inspection.show_cache)
    cache.command("clear", help="Remove all of it.")(inspection.clear_cache)
    app.add_typer(cache, name="cache")
    app.command("doctor", help="Check the installation: versions, backbone, disk, cores.")(inspection.doctor)
    app.callback(invoke_without_command=True)(_version)
    return app


def _version(version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    if version:
        from headstart.manifest import own_version

        print(own_version())
        raise typer.Exit


def _stub() -> None:
    """Never called: stands in the list of commands."""


def _act(verb: str, options: dict[str, Any], sets: dict[str, Any], as_json: bool, quiet: bool) -> None:
    from headstart.recipes.parsing import assemble

    given = options.get("texts") or (options.get("labels") and options.get("model"))  # without a run it is a text
    piped = verb == "predict" and not given and "input" not in options and not sys.stdin.isatty()
    _carry_out(assemble(verb, options | {"input": "-"} if piped else options, sets), as_json, quiet)


def _carry_out(recipe: Any, as_json: bool, quiet: bool) -> None:
    """Run a recipe of any verb, and print what comes as it comes where it has such."""
    shown = None if as_json else STREAMED.get(recipe.verb)
    if shown is None or not shown(recipe, quiet):
        _finish(recipe, as_json, quiet)


def _finish(recipe: Any, as_json: bool, quiet: bool) -> None:
    """Run a recipe of any verb and print its outcome."""
    from headstart.runs.run import run

    outcome = run(recipe, progress_for(quiet=quiet), started=STARTED)
    if not outcome.result:  # another process of the team has it
        return
    say_notes(outcome.notes, quiet)
    if as_json:
        print_json(outcome.result)
    else:
        show(outcome, quiet)
    if outcome.refusal is not None:
        raise outcome.refusal
    if outcome.interrupted:
        kept = f"stopped; kept {outcome.result['strategy']}, the best finished model, in {outcome.folder}"
        raise Interrupted(f"{kept}; {outcome.resume}" if outcome.resume else kept)


def _run(
    recipe: Annotated[str, typer.Argument(help="Recipe file (YAML).")],
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="Any key of the recipe: --set seed=1 (repeatable).")
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="Output folder or file, in place of the recipe's.")
    ] = None,
    as_json: JSON = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress or log messages on standard error.")] = False,
) -> None:
    from headstart.cli.options import parse_sets
    from headstart.recipes.parsing import read

    given = parse_sets(sets or [])
    if output and "output" in given:
        raise RecipeError(["--set output: is given by --output too; give it once"], "the command line")
    given |= {"output": output} if output else {}
    _carry_out(read(recipe, given), as_json, quiet)
