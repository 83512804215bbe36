"""The login is what dbt's profile says, for libpq and for a pipe; the password shows nowhere."""

import json

import pytest

from orchestrator.adapters.postgres.connection import cannot_connect
from orchestrator.adapters.postgres.login import Login

KEYS = {
    "host": "db.example",
    "port": 5433,
    "user": "loader",
    "password": "hunter2",
    "database": "shop",
    "schema": "analytics",
    "connect_timeout": 7,
    "keepalives_idle": 30,
    "sslmode": "verify-full",
    "sslrootcert": "/etc/root.crt",
    "sslcert": None,
    "role": "owner of all",
    "search_path": "a, b",
    "application_name": "dbt",
    "threads": 4,
}
TWO_ADDRESSES = """connection to server at "db.example" (10.0.0.1), port 5433 failed: Connection refused
\tIs the server running on that host and accepting TCP/IP connections?
connection to server at "db.example" (10.0.0.2), port 5433 failed: FATAL:  role "loader" does not exist
"""


def test_every_key_of_the_profile_reaches_libpq():
    """Address, certificates and limits by name; role and path as options, which a reset does not take away."""
    assert Login.of(KEYS).arguments() == {
        "host": "db.example",
        "port": 5433,
        "user": "loader",
        "password": "hunter2",
        "dbname": "shop",
        "connect_timeout": 7,
        "keepalives_idle": 30,
        "sslmode": "verify-full",
        "sslrootcert": "/etc/root.crt",
        "application_name": "elt",
        "options": "-c search_path=a,\\ b -c role=owner\\ of\\ all",
    }


def test_keys_missing_from_the_profile_are_left_to_libpq():
    """No option is sent that the profile does not name: some servers refuse them."""
    login = Login.of({name: KEYS[name] for name in ("host", "port", "user", "password", "database")})
    assert login.arguments().keys() == {
        "host",
        "port",
        "user",
        "password",
        "dbname",
        "connect_timeout",
        "application_name",
    }


def test_an_explicit_path_overrides_the_profiles_path():
    """A load sets its dataset; whoever ends sessions does so without the role."""
    assert Login.of(KEYS).arguments(search_path="raw,public", as_role=False)["options"] == "-c search_path=raw,public"


def test_a_login_survives_pickling_through_a_pipe():
    """The values are plain, and make the same login on the other side."""
    login = Login.of(KEYS).named("elt 1")
    assert Login(**json.loads(json.dumps(login.to_wire()))) == login


def test_the_password_is_not_shown():
    """Neither in what is printed, nor in the place by which loads keep their state."""
    login = Login.of(KEYS)
    assert "hunter2" not in repr(login) + login.place
    assert login.place == "postgresql://db.example:5433/shop"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            TWO_ADDRESSES,
            'role "loader" does not exist',
        ),
        ("timeout expired\n", "timeout expired"),
        ("the words hunter2 came back", "the words *** came back"),
        ("", "no reason was given"),
    ],
)
def test_the_reason_is_given_once(said, reason):
    """Of all attempts the last one's reason, without the address that stands before it."""
    refused = cannot_connect(Login.of(KEYS), said, target="target dev of the profile shop")
    assert refused.message == (
        "Cannot connect to PostgreSQL at db.example, port 5433, database shop, user loader"
        f" (target dev of the profile shop): {reason}"
    )
    assert "profiles.yml" in refused.hint
