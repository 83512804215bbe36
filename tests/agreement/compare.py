"""What two sides that ran the same project disagree on, in sentences; what is declared to differ is left out.

Each difference that is left out here stands in `docs/agreement.md` and has a test of its own.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tests.agreement.sides import Side, steady

_SCRATCH = re.compile(r"/\S*?/(tmp\w+\.py)|0x[0-9a-f]+")
_TEMPORARY = re.compile(r"__dbt_tmp\d+")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\.\d+")
_SUGGESTION = re.compile(r"\n *Did you mean .*")
_CRASH_AFTER_A_HOOK = re.compile("'(Exposure|SavedQuery)' object has no attribute 'schema'")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def disagreements(theirs: Side, ours: Side) -> list[str]:
    """Say on what dbt and elt disagree: exit code, each node's record, tables, files; nothing when they agree."""
    if _CRASH_AFTER_A_HOOK.fullmatch(theirs.trouble):
        return _beside_a_crash(ours)
    rivals = _rival_unit_tests(theirs.words(), ours.words())
    return [
        *_about_the_exit(theirs, ours),
        *_about_records(theirs, ours, rivals),
        *_about("table", _tables(theirs, rivals), _tables(ours, rivals)),
        *_about("file", theirs.files(), ours.files()),
    ]


def fail_fast_disagreements(theirs: Side, ours: Side, below: Mapping[str, frozenset[str]]) -> list[str]:
    """Say on what two runs with `--fail-fast` disagree: exit code, failing node, and that nothing below it ran.

    `below` has the descendants of each node.
    """
    if _CRASH_AFTER_A_HOOK.fullmatch(theirs.trouble):
        return _beside_a_crash(ours)
    found = _about_the_exit(theirs, ours)
    failing = [_failing(side) for side in (theirs, ours)]
    if failing[0] != failing[1]:
        found.append(f"failing nodes: dbt {sorted(failing[0])}, elt {sorted(failing[1])}")
    words = ours.words()
    for node in failing[1]:
        if not node.startswith("test."):  # a test halts those that descend from all of its parents
            ran = sorted(child for child in below.get(node, ()) if words.get(child, "skipped") != "skipped")
            found += [f"{child} ran below {node}, which failed" for child in ran]
    return found


def _beside_a_crash(ours: Side) -> list[str]:
    """Say what ran although an on-run-start hook failed; exit code 1.

    Declared: dbt itself crashes if the build has an exposure or a saved query, and leaves no record to compare with.
    dbt 1.12 skips all nodes after such a hook, unless the project says otherwise.
    """
    ran = [f"{node}: {word}" for node, word in ours.words().items() if word != "skipped" and not _is_hook(node)]
    return ran if ours.exit_code == 1 else [*ran, f"exit code: {ours.exit_code}, although a hook failed"]


def _is_hook(node: str) -> bool:
    return node.startswith("operation.")


def _about_the_exit(theirs: Side, ours: Side) -> list[str]:
    if theirs.exit_code == ours.exit_code:
        return []
    return [f"exit code: dbt {theirs.exit_code} {theirs.trouble[:300]}, elt {ours.exit_code} {ours.trouble[:300]}"]


def _about_records(theirs: Side, ours: Side, rivals: frozenset[str]) -> list[str]:
    expected, found = _comparable(theirs, rivals), _comparable(ours, rivals)
    lines = []
    for node in sorted(expected.keys() | found.keys()):
        if node not in found or node not in expected:
            one, record = ("dbt", expected[node]) if node in expected else ("elt", found[node])
            lines.append(f"{node}: only {one} has a record of it: {record['status']} {record['message'] or ''}")
            continue
        for name in sorted(expected[node].keys() | found[node].keys()):
            one, other = expected[node].get(name), found[node].get(name)
            if one != other:
                lines.append(f"{node}: {name}: dbt {one!r}, elt {other!r}")
    return lines + rival_disagreements(theirs.words(), ours.words(), rivals)


def rival_disagreements(expected: Mapping[str, str], found: Mapping[str, str], rivals: frozenset[str]) -> list[str]:
    """List the disagreements about the unit tests of models that have a failing one.

    `expected` are dbt's words of each node, `found` those of elt. Which tests ran first is chance.
    """
    lines = [f"{test}: only one side has a record of it" for test in sorted(rivals & (expected.keys() ^ found.keys()))]
    lines += [
        f"{test}: dbt {expected[test]}, elt {found[test]}"
        for test in sorted(rivals & expected.keys() & found.keys())
        if "skipped" not in (expected[test], found[test]) and expected[test] != found[test]
    ]
    if (one := _saying_no(expected, rivals)) != (other := _saying_no(found, rivals)):
        lines.append(f"unit tests of the same model: dbt {dict(one)}, elt {dict(other)}")
    return lines


def _about(what: str, expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    lines = []
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            lines.append(f"{what} {name}: only dbt made it")
        elif name not in expected:
            lines.append(f"{what} {name}: only elt made it")
        elif (one := expected[name]) != (other := found[name]):
            if isinstance(one, list):
                one, other = (
                    sorted((Counter(mine) - Counter(yours)).elements()) for mine, yours in ((one, other), (other, one))
                )
            lines.append(f"{what} {name}: only dbt {_excerpt(one)}, only elt {_excerpt(other)}")
    return lines


def _tables(side: Side, rivals: frozenset[str]) -> dict[str, list[str]]:
    """Give the rows of each table, without those in which a last hook noted how a rival unit test ended."""
    return {
        name: [row for row in rows if not any(f"'{test}'" in row for test in rivals)]
        for name, rows in side.tables().items()
    }


def _comparable(side: Side, rivals: frozenset[str]) -> dict[str, dict[str, Any]]:
    found = {}
    for unique_id, record in side.records().items():
        if unique_id in rivals:
            continue
        kept = steady(record)
        kept["message"] = _without_places(record["message"], side)
        kept["compiled_code"] = _without_places(record.get("compiled_code"), side)
        if record["status"] == "skipped":
            kept["message"] = None  # declared: a skip carries no message
        if _is_hook(unique_id):
            kept["compiled_code"] = None  # a last hook's lists the results in the order of their ends
        found[unique_id] = kept
    return found


def _rival_unit_tests(*words: Mapping[str, str]) -> frozenset[str]:
    """Give the unit tests of each model of which several ran and one said no.

    Declared: dbt runs them in any order and skips those that are left at the first that fails.
    """
    by_model: dict[str, set[str]] = {}
    for unique_id in (unique_id for side in words for unique_id in side if unique_id.startswith("unit_test.")):
        by_model.setdefault(unique_id.rsplit(".", 1)[0], set()).add(unique_id)
    return frozenset(
        test
        for tests in by_model.values()
        if len(tests) > 1 and any(side.get(test, "pass") != "pass" for side in words for test in tests)
        for test in tests
    )


def _saying_no(words: Mapping[str, str], rivals: frozenset[str]) -> Counter[str]:
    """Count the failing unit tests of each model; which of several runs first, and so fails, is chance."""
    return Counter(test.rsplit(".", 1)[0] for test in rivals if words.get(test, "pass") not in {"pass", "skipped"})


def _failing(side: Side) -> frozenset[str]:
    return frozenset(node for node, word in side.words().items() if word in {"fail", "error", "partial success"})


def _without_places(text: str | None, side: Side) -> str | None:
    if text is None:
        return None
    text = text.replace(str(side.folder), "<project>")
    text = _SUGGESTION.sub("", text)  # names what stands at that moment, and that depends on the other threads
    for pattern, name in (
        (_SCRATCH, "<scratch>"),
        (_TEMPORARY, "__dbt_tmp"),
        (_MOMENT, "<moment>"),
        (_UUID, "<uuid>"),
    ):
        text = pattern.sub(name, text)
    return text


def _excerpt(value: object) -> str:
    text = str(value)
    return text if len(text) < 400 else f"{text[:400]}…"
