"""elt: dlt ingestion, dbt models and their checks, run as one graph in one process."""

__version__ = "0.1.0"
