"""A program that behaves as dbt 2.x towards its caller, and has the real dbt 1.x do the work.

It says that it is dbt 2.x, runs dbt 1.x's own command line in a process, and translates its JSON log, while it is
written, into the telemetry of dbt 2.x. What is built, tested, interrupted and broken is real.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import IO, Any

VERSION = "2.0.0-preview.219"
FUSION = "v1.public.events.fusion"
DBT = [sys.executable, "-W", "ignore", "-m", "dbt.cli.main"]
TESTS = {"pass": "TEST_OUTCOME_PASSED", "warn": "TEST_OUTCOME_WARNED", "fail": "TEST_OUTCOME_FAILED"}
AGES = {
    "pass": "SOURCE_FRESHNESS_OUTCOME_OUTCOME_PASSED",
    "warn": "SOURCE_FRESHNESS_OUTCOME_OUTCOME_WARNED",
    "error": "SOURCE_FRESHNESS_OUTCOME_OUTCOME_FAILED",
}
RUN = "EXECUTION_PHASE_RUN"


def taken(words: list[str], option: str) -> str | None:
    """Take an option and its value out of the words, and return the value."""
    if option not in words:
        return None
    at = words.index(option)
    value = words[at + 1]
    del words[at : at + 2]
    return value


class Translation:
    """Writes the telemetry of one command."""

    def __init__(self, out: IO[str]) -> None:
        self.out = out
        self.began: dict[str, str] = {}
        self.write("SpanStart", "invocation.Invocation")

    def write(self, kind: str, event: str, at: str = "1", end: str = "2", **more: Any) -> None:
        """Write one record."""
        attributes = more.pop("attributes", {})
        span = f"{abs(hash((event, attributes.get('unique_id')))):016x}"[:16]
        record = {"record_type": kind, "trace_id": "0" * 31 + "1", "span_id": span, "span_name": event}
        record |= {"start_time_unix_nano": at, "event_type": f"{FUSION}.{event}", "attributes": attributes, **more}
        if kind == "SpanEnd":
            record["end_time_unix_nano"] = end
        self.out.write(json.dumps(record) + "\n")
        self.out.flush()

    def event(self, info: dict[str, Any], data: dict[str, Any]) -> None:
        """Translate one event of dbt 1.x."""
        unique_id = (data.get("node_info") or {}).get("unique_id", "")
        moment = str(int(datetime.fromisoformat(info["ts"]).timestamp() * 1e9))
        if info["name"] == "NodeStart":
            self.began[unique_id] = moment
            self.write("SpanStart", "node.NodeProcessed", moment, attributes={"unique_id": unique_id})
            self.write("SpanStart", "node.NodeEvaluated", moment, attributes={"unique_id": unique_id, "phase": RUN})
        elif info["name"] == "NodeFinished" and unique_id:
            self.ended(unique_id, moment, data["run_result"])
        elif info["name"] in {"JinjaLogInfo", "PrintEvent"}:
            more = {"severity_text": "INFO", "body": info["msg"]}
            self.write("LogRecord", "log.UserLogMessage", attributes={"unique_id": unique_id}, **more)
        elif info["level"] == "warn" and not unique_id:
            self.write("LogRecord", "log.LogMessage", severity_text="WARNING", body=info["msg"])
        elif info["level"] == "error" and not unique_id and info["name"] in {"MainEncounteredError", "MainStackTrace"}:
            self.log(info["msg"], {})

    def log(self, body: str, attributes: dict[str, Any]) -> None:
        """Write an error message."""
        self.write("LogRecord", "log.LogMessage", attributes=attributes, severity_text="ERROR", body=body)

    def ended(self, unique_id: str, moment: str, result: dict[str, Any]) -> None:
        """Write the end of a node."""
        status, attributes = result["status"], {"unique_id": unique_id, "node_outcome": "NODE_OUTCOME_SUCCESS"}
        if unique_id.startswith("source.") and status in AGES:
            attributes["node_freshness_outcome"] = {"node_freshness_outcome": AGES[status], "age_seconds": "60"}
        elif unique_id.startswith(("test.", "unit_test.")) and status in TESTS:
            detail = {"test_outcome": TESTS[status], "failing_rows": int(result.get("num_failures") or 0)}
            attributes["node_test_detail"] = {key: value for key, value in detail.items() if value}
        elif unique_id in os.environ.get("STAND_IN_REUSES", "").split():
            attributes |= {"node_outcome": "NODE_OUTCOME_SKIPPED", "node_skip_reason": "NODE_SKIP_REASON_CACHED"}
        elif status == "skipped":
            attributes |= {"node_outcome": "NODE_OUTCOME_SKIPPED", "node_skip_reason": "NODE_SKIP_REASON_UPSTREAM"}
        elif status != "success":
            attributes |= {"node_outcome": "NODE_OUTCOME_ERROR", "node_error_type": "NODE_ERROR_TYPE_USER"}
            self.log(str(result.get("message") or status), {"unique_id": unique_id})
        began = self.began.get(unique_id, moment)
        self.write("SpanEnd", "node.NodeEvaluated", began, moment, attributes={**attributes, "phase": RUN})
        self.write("SpanEnd", "node.NodeProcessed", began, moment, attributes={**attributes, "last_phase": RUN})


def started(words: list[str]) -> Any:
    """Start dbt 1.x with its log on a pipe."""
    return subprocess.Popen([*DBT, *words], stdout=subprocess.PIPE, text=True)


def started_alone(words: list[str]) -> int:
    """Become dbt 1.x."""
    os.execv(DBT[0], [*DBT, *words])


def main(words: list[str], start: Callable[[list[str]], Any] = started) -> int:
    """Run one command."""
    if words == ["--version"]:
        sys.stdout.write(f"dbt-fusion {VERSION}\n")
        return 0
    name = taken(words, "--otel-file-name")
    if name is None:
        return started_alone(words) if start is started else start(words, None).wait()
    folder = Path(words[words.index("--log-path") + 1])
    signal.signal(signal.SIGINT, lambda *_: None)  # dbt itself ends first
    real = start([*words, "--log-format", "json", "--log-level", "debug", "--log-format-file", "text"])
    with (folder / name).open("w") as out:
        translation = Translation(out)
        for line in real.stdout or ():
            try:
                event = json.loads(line)
            except ValueError:
                sys.stdout.write(line)
                continue
            if event["info"]["level"] != "debug":
                sys.stdout.write(f"{event['info']['msg']}\n")
                sys.stdout.flush()
            translation.event(event["info"], event["data"])
        code = real.wait()
        translation.write("SpanEnd", "invocation.Invocation")
    return code if code >= 0 else 1


def sent(server: str, words: list[str]) -> int:
    """Have a process run the command that has imported dbt before; it ends if this one does."""
    with socket.socket(socket.AF_UNIX) as there:
        there.connect(server)
        order = json.dumps({"words": words, "folder": str(Path.cwd()), "environment": dict(os.environ)})
        socket.send_fds(there, [order.encode()], [1, 2])
        return int(there.recv(16) or 1)


if __name__ == "__main__":
    warm = os.environ.get("STAND_IN_SERVER")
    sys.exit(sent(warm, sys.argv[1:]) if warm and "--version" not in sys.argv else main(sys.argv[1:]))
