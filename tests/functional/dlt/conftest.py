"""One warm interpreter for all tests of a process, and a project for each."""

import pytest

from orchestrator.adapters.dlt.host import IngestionHost
from tests.functional.dlt.ingest_project import Project

SETTINGS = {"RUNTIME__REQUEST_MAX_ATTEMPTS": "3", "RUNTIME__REQUEST_BACKOFF_FACTOR": "0.01"}


@pytest.fixture(scope="session")
def host(tmp_path_factory):
    host = IngestionHost()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLT_DATA_DIR", str(tmp_path_factory.mktemp("dlt_home")))
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        host.start()
    yield host
    host.close()


@pytest.fixture
def project(tmp_path, host):
    project = Project(root=tmp_path, host=host)
    yield project
    project.close()
