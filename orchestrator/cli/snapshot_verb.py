"""Implements `elt snapshot`: builds only snapshots."""

from orchestrator.cli.run_verb import one_type_command

command = one_type_command("snapshot", "Take the selected snapshots, all without a selection, and build nothing else.")
