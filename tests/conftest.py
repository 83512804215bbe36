"""What holds for every test."""

import gc

from hypothesis import HealthCheck, settings

# A busy machine draws slowly; that says nothing of the product, and no test is timed.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# With dbt in memory the search for garbage, as often as by default, takes a quarter of a test's time otherwise.
gc.set_threshold(30_000, 10, 5)
