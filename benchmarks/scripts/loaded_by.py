"""Runs `elt` with these words and prints, instead of what it says, the packages that were imported for it."""

import contextlib
import io
import sys

from orchestrator.cli.main import run_command_line

with contextlib.redirect_stdout(io.StringIO()):
    code = run_command_line(sys.argv[1:])
print(*sorted({name.partition(".")[0] for name in sys.modules}))
sys.exit(code)
