"""What holds for every test."""

import gc

from dbt_common.tests import enable_test_caching
from hypothesis import HealthCheck, settings

# A busy machine draws slowly; that says nothing of the product, and no test is timed.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# With dbt in memory the search for garbage, as often as by default, takes a quarter of a test's time otherwise.
gc.set_threshold(30_000, 10, 5)

# dbt's own means for tests: a macro that was read once in a process is not read again, whatever project it stands in.
enable_test_caching()
