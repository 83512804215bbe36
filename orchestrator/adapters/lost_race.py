"""Recognises an object that another transaction created at the same moment.

PostgreSQL's `create … if not exists` looks, and then inserts: where another transaction has inserted the same name and
commits in between, it fails on a unique index of the catalog. The object exists from then on.
"""

_EXISTS = frozenset(
    {
        "23505",  # unique_violation: in a catalog's index
        "42P06",  # duplicate_schema
        "42P07",  # duplicate_table
        "42701",  # duplicate_column
        "42710",  # duplicate_object
    }
)


def lost_race(error: BaseException | None) -> bool:
    """Say whether an error, or one that it was raised from, says that something exists that did not a moment ago."""
    while error is not None:
        if getattr(error, "pgcode", None) in _EXISTS:
            return True
        error = error.__cause__ or error.__context__
    return False
