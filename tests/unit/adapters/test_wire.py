"""Messages between processes: JSON that brings back every value a database holds."""

import json
import socket
from datetime import date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.adapters.children.wire import Channel, from_wire, to_wire

ZONES = st.none() | st.integers(-720, 720).map(lambda minutes: timezone(timedelta(minutes=minutes)))
KEYS = st.text() | st.integers() | st.dates()
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**127), 2**127)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.decimals(allow_nan=False)
    | st.uuids()
    | st.dates()
    | st.datetimes(timezones=ZONES)
    | st.times()
    | st.timedeltas()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(KEYS, inner),
    max_leaves=8,
)


def types_of(value):
    """Give a value with the types of everything in it."""
    match value:
        case dict():
            return {types_of(key): types_of(each) for key, each in value.items()}
        case list() | tuple():
            return (type(value), *map(types_of, value))
        case _:
            return type(value), value


@given(VALUES)
def test_every_value_comes_back_with_its_type(value):
    """Structs, maps, lists and arrays in any depth."""
    there = from_wire(json.loads(json.dumps(to_wire(value))))
    assert there == value
    assert types_of(there) == types_of(value)


@pytest.mark.parametrize(
    ("base", "value"),
    [(str, "x"), (int, 3), (float, 1.5), (datetime, datetime(2024, 1, 2)), (date, date(2024, 1, 2)), (time, time(3))],  # noqa: DTZ001
)
def test_a_subclass_becomes_the_value_that_every_process_knows(base, value):
    """dlt has timestamps and numbers of its own, which the owner has not imported."""
    parts = (value.year, value.month, value.day) if isinstance(value, date) else (3,) if base is time else (value,)
    own = type("Own", (base,), {})(*parts)
    there = from_wire(json.loads(json.dumps(to_wire(own))))
    assert (type(there), there) == (base, value)


def test_what_is_no_message_is_an_error_and_the_end_is_the_end():
    """A receiver can tell a broken message from a closed connection."""
    here, there = socket.socketpair()
    channel, other = Channel(here.detach()), Channel(there.detach())
    other._connection.send_bytes(b"[1]")
    other._connection.send_bytes(b"{")
    for _ in range(2):
        with pytest.raises(ValueError, match=r"a message must be|property name"):
            channel.receive()
    other.shut()
    with pytest.raises(EOFError):
        channel.receive()
