"""Commands that show what there is: options, components, models, recipes, the cache, the installation."""

from __future__ import annotations

from typing import Annotated

import typer

from headstart.cli.display import table
from headstart.cli.printing import print_json
from headstart.unseen import on_one_line

JSON = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


def explain(
    option: Annotated[
        str, typer.Argument(help="An option, a path such as training.epochs, or the name of a strategy or task.")
    ],
    as_json: JSON = False,
) -> None:
    """Print one option in detail, or a component."""
    from headstart.cli.explain import explain, shown

    found = explain(option)
    if as_json:
        print_json(found)
    else:
        print(shown(found))


def schema() -> None:
    """Print the JSON Schema of recipe files."""
    from headstart.recipes.schema import schema

    print_json(schema(), indent=1)


def list_components(
    kind: Annotated[
        str, typer.Argument(help="strategies, tasks, readers, objectives or backbones; all if not given.")
    ] = "",
    as_json: JSON = False,
) -> None:
    """Print components by name, of one kind or of all."""
    from headstart.cli.catalogue import catalogue

    found = catalogue(kind)
    if as_json:
        print_json(found)
        return
    for name, rows in found.items():
        if not kind:
            print(f"{name}:")
        indent = "" if kind else "  "
        for row in rows:
            print(f"{indent}{row['name']:<22} {row['summary']}")


def show_model(
    model: Annotated[str, typer.Argument(help="A known name such as mini, a hub id, a folder or a run.")],
    as_json: JSON = False,
) -> None:
    """Print layers, parameters and limits of a backbone, or what a run has learnt."""
    from headstart.cli.catalogue import describe_model

    found = describe_model(model)
    if as_json:
        print_json(found)
        return
    for key, value in found.items():
        if key == "levels":
            rows = [[row["level"], row["modules"], f"{row['parameters']:,}"] for row in value]
            print("\n" + table(["level", "modules", "parameters"], rows, left=(0, 1)))
        else:
            print(f"{key:<16} {on_one_line(str(value))}")


def show_recipe(
    recipe: Annotated[str, typer.Argument(help="Recipe file (YAML).")],
    resolved: Annotated[bool, typer.Option("--resolved", help="Read the data and fill in what is guessed.")] = False,
    sets: Annotated[list[str] | None, typer.Option("--set", help="Any key of the recipe.")] = None,
    as_json: JSON = False,
) -> None:
    """Print a recipe with all its keys."""
    from headstart.artifact import recipe_text
    from headstart.cli.options import parse_sets
    from headstart.recipes.parsing import read

    built = read(recipe, parse_sets(sets or []))
    if resolved:
        from headstart.runs.preparation import resolve

        built = resolve(built)
    plain = {"verb": built.verb} | built.plain()
    if as_json:
        print_json(plain)
    else:
        print(recipe_text(plain), end="")


def show_cache(as_json: JSON = False) -> None:
    """Print folder, limit and content of the cache."""
    from headstart.data.cache import user_cache

    cache = user_cache()
    kept = [{"kind": each.kind, "bytes": each.size, "used": each.used} for each in cache.kept()]
    if as_json:
        print_json({"folder": str(cache.folder), "limit": cache.most, "arrays": kept})
        return
    print(f"{'folder':<8} {cache.folder}")
    print(f"{'limit':<8} {cache.most / 1e9:g} GB")
    for kind in sorted({each["kind"] for each in kept}):
        sizes = [each["bytes"] for each in kept if each["kind"] == kind]
        print(f"{kind:<8} {len(sizes)} arrays, {sum(sizes) / 1e9:.2f} GB")


def clear_cache(as_json: JSON = False) -> None:
    """Remove all of the cache and print what that freed."""
    from headstart.data.cache import user_cache

    cache = user_cache()
    freed = cache.clear()
    if as_json:
        print_json({"folder": str(cache.folder), "freed": freed})
    else:
        print(f"{freed / 1e9:.2f} GB freed in {cache.folder}")


def doctor(as_json: JSON = False) -> None:
    """Print what is found of the installation; ends with code 1 where something is wrong."""
    from headstart.cli.doctor import examine

    checks = examine()
    if as_json:
        print_json({"checks": checks, "ok": all(check["ok"] for check in checks)})
    else:
        for check in checks:
            print(f"{'ok' if check['ok'] else '!!':<3} {check['name']:<14} {check['found']}")
    if not all(check["ok"] for check in checks):
        raise typer.Exit(1)
