"""Runs `elt run`, then `elt resume` or `elt retry` until one gets to its end, each in a fork of one warm process.

Called with a project's folder and points such as `before:log` and `after:log`. Each process dies by itself, as if
killed, at the first of these points that it comes to and that none died at before: right before, or right after, the
commit of that node's transaction. Words with a plus are what is run after each death, in turn (`+retry`), then it is
`elt resume`; further words are those of `elt run`. Prints as JSON where they died, in turn, and the exit code of the
last.
"""

import json
import os
import sys
from collections.abc import Callable

from dbt.adapters.sql import SQLConnectionManager

from orchestrator.cli.main import run_command_line

_commit = SQLConnectionManager.commit


def run(words: list[str], left: list[str]) -> tuple[str, int]:
    """Run one command in a fork; give the point that it died at, and the exit code."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        SQLConnectionManager.commit = dying(left, lambda point: os.write(theirs, point.encode()))
        code = run_command_line(words)
        os._exit(code)
    os.close(theirs)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with os.fdopen(ours) as told:
        return told.read(), code


def dying(left: list[str], tell: Callable[[str], object]) -> Callable[[SQLConnectionManager], object]:
    """Give a commit that ends the process."""

    def commit(self):
        node = self.get_thread_connection().name.rpartition(".")[2]
        die_at(f"before:{node}")
        ended = _commit(self)
        die_at(f"after:{node}")
        return ended

    def die_at(point: str) -> None:
        if point in left:
            tell(point)
            os._exit(9)

    return commit


def main(project: str, *said: str) -> None:
    """Run, and go on until nobody dies."""
    points = [word for word in said if ":" in word]
    following = [[word[1:]] for word in said if word.startswith("+")]
    verb = ["run", *(word for word in said if ":" not in word and not word.startswith("+"))]
    run_command_line(["ls", "--project-dir", project])  # so that each fork finds the project parsed, and all imported
    died: list[str] = []
    while True:
        point, code = run([*verb, "--project-dir", project], [point for point in points if point not in died])
        if not point:
            break
        died.append(point)
        verb = following.pop(0) if following else ["resume"]
    sys.stdout.flush()
    sys.stdout.write("\n" + json.dumps({"died": died, "code": code}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
