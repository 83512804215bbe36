"""elementary reads sources.json before it uploads it.

Its results of runs come from macros of its dbt package, which only a package hub offers: what those see of elt's
runs is specified beside the dbt adapter, in tests/functional/dbt/.
"""

from pathlib import Path

from built import Built
from elementary.config.config import Config
from elementary.operations.upload_source_freshness import UploadSourceFreshnessOperation


def test_the_age_of_sources_is_found(sound: Built, tmp_path: Path) -> None:
    """`edr upload-source-freshness` finds every verdict, and the invocation that it refuses to do without."""
    config = Config(config_dir=str(tmp_path), project_dir=str(sound.folder), target_path=str(tmp_path / "edr"))
    contents = UploadSourceFreshnessOperation(config).get_sources_file_contents()
    assert {result["unique_id"]: result["status"] for result in contents["results"]} == {
        "source.everything.raw.customers": "pass",
        "source.everything.raw.orders": "warn",
        "source.everything.raw.events": "error",
    }
    assert contents["metadata"]["invocation_id"]
