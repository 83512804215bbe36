"""Recognizes the error of a create statement that another transaction overtook.

PostgreSQL's `create … if not exists` checks first and then inserts. If another transaction inserts the same name and
commits in between, the statement fails on a unique index of the catalog. The object exists from then on.
"""

_EXISTS = frozenset(
    {
        "23505",  # unique_violation, in an index of the catalog
        "42P06",  # duplicate_schema
        "42P07",  # duplicate_table
        "42701",  # duplicate_column
        "42710",  # duplicate_object
    }
)


def lost_race(error: BaseException | None) -> bool:
    """Return whether an error, or one that caused it, reports that an object exists which was missing before."""
    while error is not None:
        if getattr(error, "pgcode", None) in _EXISTS:
            return True
        error = error.__cause__ or error.__context__
    return False
