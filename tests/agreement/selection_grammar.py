"""Random selections, in dbt's syntax, over the names that a parsed project has."""

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from hypothesis import strategies as st

_KINDS = ("model", "seed", "snapshot", "test", "unit_test", "source", "exposure", "function", "metric", "saved_query")
_FIXED = (
    *(f"resource_type:{kind}" for kind in _KINDS),
    *(f"test_type:{kind}" for kind in ("generic", "singular", "unit", "data")),
    *(f"version:{which}" for which in ("latest", "old", "prerelease", "none")),
    *(f"access:{which}" for which in ("public", "protected", "private")),
    *("package:this", "source:*", "exposure:*", "metric:*", "unit_test:*", "fqn:*", "*", "nobody", "tag:nobody", ""),
)
_BEFORE = ("", "", "", "+", "+", "1+", "2+", "0+")
_BEHIND = ("", "", "", "+", "+", "+1", "+2", "+0")


def selections(manifest: Any) -> st.SearchStrategy[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Draw what stands after `--select` and after `--exclude`; one of them may be missing."""
    atoms = st.one_of(
        st.sampled_from(sorted(set(_names(manifest)))),
        st.sampled_from(sorted(set(_methods(manifest)))),
        st.sampled_from(_FIXED),
    )
    around = st.one_of(
        st.builds("{}{}{}".format, st.sampled_from(_BEFORE), atoms, st.sampled_from(_BEHIND)),
        st.builds("@{}{}".format, atoms, st.sampled_from(("", "", "", "+"))),
    )
    item = st.lists(around, min_size=1, max_size=3).map(",".join)
    union = st.lists(item, min_size=1, max_size=3).map(tuple)
    without = st.one_of(st.just(()), union)
    return st.one_of(st.tuples(union, without), st.tuples(st.just(()), union))


def _names(manifest: Any) -> Iterator[str]:
    for node in _nodes(manifest):
        yield node.name
        yield ".".join(node.fqn)
        yield ".".join(node.fqn[:2])
        yield f"{node.name[: len(node.name) // 2]}*"
        yield f"?{node.name[1:]}"


def _methods(manifest: Any) -> Iterator[str]:
    for source in manifest.sources.values():
        yield f"source:{source.source_name}"
        yield f"source:{source.source_name}.{source.name}"
        yield f"source:{source.package_name}.{source.source_name}.*"
    for test in manifest.unit_tests.values():
        yield f"unit_test:{test.name}"
    for node in _nodes(manifest):
        path = PurePath(node.original_file_path)
        yield f"path:{path.parent}"
        yield f"path:{path}"
        yield f"file:{path.stem}"
        yield f"package:{node.package_name}"
        yield from (f"tag:{tag}" for tag in node.tags)
        if metadata := getattr(node, "test_metadata", None):
            yield f"test_name:{metadata.name}"
        yield from _of_config(node.config)


def _of_config(config: Any) -> Iterator[str]:
    if materialized := config.get("materialized"):
        yield f"config.materialized:{materialized}"
    if group := config.get("group"):
        yield f"group:{group}"
    for key, value in config.get("meta", {}).items():
        yield from (f"config.meta.{key}:{one}" for one in (value if isinstance(value, list) else [value]))


def _nodes(manifest: Any) -> Iterator[Any]:
    """Go through what has a name in the syntax, but for sources."""
    for group in (manifest.nodes, manifest.exposures, manifest.metrics, manifest.functions, manifest.saved_queries):
        yield from (node for node in group.values() if " " not in node.name)
