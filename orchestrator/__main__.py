"""Runs the command line, as `elt` or as `python -m orchestrator`."""

import sys

from orchestrator.quick_due import nothing_is_due


def main() -> None:
    """Run the command line, or end at once if it asks what is due and nothing is."""
    if nothing_is_due(sys.argv[1:]):
        return
    from orchestrator.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
