"""Keeps what the batches of microbatch models said: dbt's result of the model tells only how many broke."""

import sys
import threading
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any


class BatchLog:
    """The messages of broken batches, by model and start of the batch."""

    def __init__(self, task: Any) -> None:  # noqa: ANN401  # dbt's task
        self._lock = threading.Lock()
        self._messages: dict[str, dict[datetime, str]] = defaultdict(dict)
        self._halted: set[str] = set()
        self._call = task.call_runner
        task.call_runner = self._call_runner  # dbt's microbatch runner calls its batches through the task

    def halt(self, unique_ids: Collection[str]) -> None:
        """Let no batch of these models start any more."""
        self._halted.update(unique_ids)

    def begin(self, unique_id: str) -> None:
        """Let the batches of a model start."""
        self._halted.discard(unique_id)

    def take(self, unique_id: str) -> dict[datetime, str]:
        """Give the messages of one model's broken batches, and forget them."""
        with self._lock:
            return self._messages.pop(unique_id, {})

    def _call_runner(self, runner: Any) -> Any:  # noqa: ANN401  # dbt's own types
        build = getattr(runner, "_build_failed_run_batch_result", None)
        if build is not None:
            if runner.node.unique_id in self._halted:
                runner.do_skip()
            runner._build_failed_run_batch_result = self._noting(runner, build)  # noqa: SLF001  # no other door
        return self._call(runner)

    def _noting(self, runner: Any, build: Any) -> Any:  # noqa: ANN401  # dbt's own types
        """Let dbt build a broken batch's result, and note the exception that it drops while it does."""

        def noting(model: Any, batch: Any, *elapsed: float) -> Any:  # noqa: ANN401  # dbt's own types
            error = sys.exception()
            if error is not None:
                with self._lock:
                    self._messages[runner.node.unique_id][batch[0]] = str(error).strip()
            return build(model, batch, *elapsed)

        return noting
