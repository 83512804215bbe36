"""Keeps the error messages of the batches of microbatch models: dbt's result of the model only counts the errors."""

import sys
import threading
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any


class BatchLog:
    """The messages of batches that ended in an error, by model and start of the batch."""

    def __init__(self, task: Any) -> None:  # noqa: ANN401  # dbt's task
        self._lock = threading.Lock()
        self._messages: dict[str, dict[datetime, str]] = defaultdict(dict)
        self._halted: set[str] = set()
        self._call = task.call_runner
        task.call_runner = self._call_runner  # dbt's microbatch runner calls its batches through the task

    def halt(self, unique_ids: Collection[str]) -> None:
        """Prevent further batches of these models from starting."""
        self._halted.update(unique_ids)

    def begin(self, unique_id: str) -> None:
        """Allow the batches of a model to start."""
        self._halted.discard(unique_id)

    def take(self, unique_id: str) -> dict[datetime, str]:
        """Return the messages of one model's batches that ended in an error, and forget them."""
        with self._lock:
            return self._messages.pop(unique_id, {})

    def _call_runner(self, runner: Any) -> Any:  # noqa: ANN401  # dbt's own types
        build = getattr(runner, "_build_failed_run_batch_result", None)
        if build is not None:
            if runner.node.unique_id in self._halted:
                runner.do_skip()
            runner._build_failed_run_batch_result = self._noting(runner, build)  # noqa: SLF001  # dbt has no public way
        return self._call(runner)

    def _noting(self, runner: Any, build: Any) -> Any:  # noqa: ANN401  # dbt's own types
        """Wrap dbt's function that builds the result of an erroring batch, to keep the exception that it drops."""

        def noting(model: Any, batch: Any, *elapsed: float) -> Any:  # noqa: ANN401  # dbt's own types
            # If the batch raised, dbt calls this in its `except` block, so the exception is still the current one.
            error = sys.exception()
            if error is not None:
                with self._lock:
                    self._messages[runner.node.unique_id][batch[0]] = str(error).strip()
            return build(model, batch, *elapsed)

        return noting
