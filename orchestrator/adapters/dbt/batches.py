"""Keeps the error messages of the batches of microbatch models: dbt's result of the model only counts the errors."""

import threading
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any

from orchestrator.adapters.dbt.bridge.access import before_each_runner, wrap_failed_batch


class BatchLog:
    """The messages of batches that ended in an error, by model and start of the batch."""

    def __init__(self, task: Any) -> None:  # noqa: ANN401  # dbt's task
        self._lock = threading.Lock()
        self._messages: dict[str, dict[datetime, str]] = defaultdict(dict)
        self._halted: set[str] = set()
        before_each_runner(task, self._prepare)

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

    def _prepare(self, runner: Any) -> None:  # noqa: ANN401  # dbt's runner
        def keep(batch: Any, error: BaseException) -> None:  # noqa: ANN401  # dbt's start and end of a batch
            with self._lock:
                self._messages[runner.node.unique_id][batch[0]] = str(error).strip()

        # After an interrupted batch dbt goes on with the next one, so each further batch is skipped when it starts.
        if wrap_failed_batch(runner, keep) and runner.node.unique_id in self._halted:
            runner.do_skip()
