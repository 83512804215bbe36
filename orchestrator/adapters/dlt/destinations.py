"""Maps the kind of database of dbt's target to the dlt destination that elt loads into."""


def destination_type(kind: str) -> str:
    """Return the type of dlt's own destination for a kind of database, as dlt writes it."""
    return f"dlt.destinations.{kind}"


def refused_destination(pipeline: str, named: str | None, kind: str) -> tuple[str, str]:
    """Return a message and hint if a user's pipeline names another destination than dbt's target, else empty ones."""
    if named is None or named == destination_type(kind):
        return "", ""
    return (
        f"dlt pipeline {pipeline} names the destination {named.rpartition('.')[2]}",
        f"elt loads into dbt's target; leave `destination` out, or set it to {kind}.",
    )
