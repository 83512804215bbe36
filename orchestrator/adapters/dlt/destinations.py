"""Which destinations of dlt the orchestrator loads into, by the kind of database that dbt's target is."""


def destination_type(kind: str) -> str:
    """Give the type of dlt's own destination for a kind of database, as dlt writes it."""
    return f"dlt.destinations.{kind}"


def refused_destination(pipeline: str, named: str | None, kind: str) -> tuple[str, str]:
    """Say that a user's pipeline names another destination than dbt's target is; two empty strings when it does not."""
    if named is None or named == destination_type(kind):
        return "", ""
    return (
        f"dlt pipeline {pipeline} names the destination {named.rpartition('.')[2]}",
        f"elt loads into dbt's target; leave `destination` out, or set it to {kind}.",
    )
