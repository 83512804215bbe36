"""Completes options and arguments in the shell, and adapts the answers to bash.

If any error occurs, nothing is offered: a message would be written into the line that the user is typing.
"""

import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Any

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class, split_arg_string

Offers = Iterable[str | tuple[str, str]]
Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

_OPERATORS = re.compile(r"^(@|\d*\+)?")
VARIABLE = "_ELT_COMPLETE"


def _silent(offers: Callable[[click.Context, str], Offers]) -> Complete:
    """Return a completion made of a function that returns words, each with an optional description."""

    @wraps(offers)
    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001  # click's signature
        found: list[CompletionItem] = []
        with suppress(Exception):
            pairs = (one if isinstance(one, tuple) else (one, None) for one in offers(context, incomplete))
            found = [CompletionItem(word, help=help_text) for word, help_text in pairs if word.startswith(incomplete)]
        return found

    return complete


def _folder(context: click.Context, name: str = "project_dir") -> Path | None:
    named = context.params.get(name)
    return Path(named).absolute() if named else None


@_silent
def complete_selection(context: click.Context, incomplete: str) -> Offers:
    """Return names and selection methods, after dbt's operators and commas; a method first, then its values."""
    from orchestrator.suggestions import selection_words

    union, comma, last = incomplete.rpartition(",")
    operators = _OPERATORS.match(last)
    before = union + comma + (operators[0] if operators else "")
    value = incomplete[len(before) :]
    words = selection_words(_folder(context), context.params.get("target_path"))
    if ":" in value:
        return [before + word for word in words if ":" in word]
    methods = {word.partition(":")[0] + ":" for word in words if ":" in word}
    return [before + word for word in sorted({*(word for word in words if ":" not in word), *methods})]


@_silent
def complete_nodes(context: click.Context, incomplete: str) -> Offers:  # noqa: ARG001  # click's signature
    """Return the names of nodes."""
    from orchestrator.suggestions import node_names

    return node_names(_folder(context), context.params.get("target_path"))


@_silent
def complete_loads(context: click.Context, incomplete: str) -> Offers:  # noqa: ARG001  # click's signature
    """Return the names of loads, and of nodes that loads may feed."""
    from orchestrator.suggestions import selection_words

    words = selection_words(_folder(context), context.params.get("target_path"))
    return [word for word in words if word.startswith("ingest:") or ":" not in word]


@_silent
def complete_runs(context: click.Context, incomplete: str) -> Offers:  # noqa: ARG001  # click's signature
    """Return the newest runs."""
    from orchestrator.suggestions import run_ids

    return run_ids(_folder(context))


@_silent
def complete_destinations(context: click.Context, incomplete: str) -> Offers:  # noqa: ARG001  # click's signature
    """Return the destinations of notifications."""
    from orchestrator.suggestions import destination_names

    return destination_names(_folder(context))


@_silent
def complete_schedules(context: click.Context, incomplete: str) -> Offers:  # noqa: ARG001  # click's signature
    """Return the schedules."""
    from orchestrator.suggestions import schedule_names

    return schedule_names(_folder(context))


@_silent
def complete_runs_and_steps(context: click.Context, incomplete: str) -> Offers:  # noqa: ARG001  # click's signature
    """Return the newest runs, and the steps of the last one."""
    from orchestrator.suggestions import run_ids, step_names

    return [*run_ids(_folder(context)), *step_names(_folder(context))]


@_silent
def complete_targets(context: click.Context, incomplete: str) -> Offers:  # noqa: ARG001  # click's signature
    """Return the targets of the profile."""
    from orchestrator.suggestions import targets

    return targets(_folder(context), context.params.get("profiles_dir"), context.params.get("profile"))


@_silent
def complete_profiles(context: click.Context, incomplete: str) -> Offers:  # noqa: ARG001  # click's signature
    """Return the profiles of profiles.yml."""
    from orchestrator.suggestions import profiles

    return profiles(_folder(context), context.params.get("profiles_dir"))


@_silent
def complete_selectors(context: click.Context, incomplete: str) -> Offers:  # noqa: ARG001  # click's signature
    """Return the selectors of selectors.yml."""
    from orchestrator.suggestions import selectors

    return selectors(_folder(context), context.params.get("target_path"))


def complete_folder(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001  # click's signature
    """Return a marker that lets the shell offer its folders."""
    return [CompletionItem(incomplete, type="dir")]


class ColonComplete(BashComplete):
    """Answers bash, which splits `tag:nightly` into three words and replaces only the last of them."""

    source_template = """\
%(complete_func)s() {
    local IFS=$'\\n'
    local response completion type value

    response=$(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD COMP_LINE="$COMP_LINE" \
COMP_POINT=$COMP_POINT COMP_WORDBREAKS="$COMP_WORDBREAKS" %(complete_var)s=bash_complete $1 2>/dev/null)

    for completion in $response; do
        IFS=',' read -r type value <<< "$completion"
        if [[ $type == 'dir' ]]; then
            COMPREPLY=()
            compopt -o dirnames
        elif [[ $type == 'file' ]]; then
            COMPREPLY=()
            compopt -o default
        elif [[ $type == 'plain' ]]; then
            COMPREPLY+=("$value")
            [[ $value == *: ]] && compopt -o nospace
        fi
    done

    return 0
}

%(complete_func)s_setup() {
    complete -o nosort -F %(complete_func)s %(prog_name)s
}

%(complete_func)s_setup;
"""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._skipped = 0

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the line split as the shell does; record how much of the last word bash does not replace."""
        line = os.environ.get("COMP_LINE")
        if line is None:
            return super().get_completion_args()
        typed = line[: int(os.environ.get("COMP_POINT") or len(line))]
        words = split_arg_string(typed)[1:]
        incomplete = words.pop() if words and not typed[-1:].isspace() else ""
        value = incomplete.partition("=")[2] if incomplete.startswith("--") and "=" in incomplete else incomplete
        breaks = "".join(sign for sign in os.environ.get("COMP_WORDBREAKS", ":") if not sign.isspace())
        replaced = re.split(f"[{re.escape(breaks)}]", value)[-1] if breaks else value
        self._skipped = len(value) - len(replaced)
        return words, incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """Return what bash puts in place of the last of its words."""
        return f"{item.type},{item.value[self._skipped :]}"


add_completion_class(ColonComplete)
