"""Implements `elt seed`: builds only seeds."""

from orchestrator.cli.run_verb import one_type_command

command = one_type_command("seed", "Load the selected seeds, all without a selection, and nothing else.")
