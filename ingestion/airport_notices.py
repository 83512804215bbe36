"""Notices about airports, read page by page from a REST API; the demo does not load them."""

from collections.abc import Iterator

import dlt
from dlt.extract import DltResource
from dlt.sources.helpers.requests import Client
from dlt.sources.rest_api import rest_api_resources


@dlt.source
def airport_notices(
    base_url: str = "http://localhost:8091/",
    page_size: int = 100,
    max_attempts: int = 5,
    wait_factor: float = 1.0,
) -> Iterator[DltResource]:
    """The notices of the service at `base_url`, which dlt's configuration may set.

    A page that answers 429 or 5xx is asked for again, `max_attempts` times in all, with waits that double
    from `wait_factor` seconds; a `Retry-After` of the service is obeyed.
    """
    # rest_api reads the status itself, so the client must not raise before it does.
    client = Client(raise_for_status=False, request_max_attempts=max_attempts, request_backoff_factor=wait_factor)
    yield from rest_api_resources(
        {
            "client": {
                "base_url": base_url,
                "session": client.session,
                "paginator": {"type": "page_number", "base_page": 1, "total_path": "pages"},
            },
            "resources": [
                {
                    "name": "notices",
                    "primary_key": "id",
                    "write_disposition": "merge",
                    "endpoint": {
                        "path": "notices",
                        "params": {"size": page_size},
                        "data_selector": "notices",
                    },
                }
            ],
        }
    )
