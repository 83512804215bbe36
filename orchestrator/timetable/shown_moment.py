"""Writes moments for people: each with the name of its time zone, so that nobody has to guess which clock is meant."""

from datetime import datetime, tzinfo

from orchestrator.timetable.cron import zone_of


def shown_moment(
    at: datetime, zone: str | tzinfo | None = None, *, seconds: bool = False, weekday: bool = False
) -> str:
    """Return a moment in a zone, by default that of the terminal: `2026-11-28 02:00 CET`."""
    local = _in_zone(at, zone)
    day = f"{local:%a %Y-%m-%d}" if weekday else f"{local:%Y-%m-%d}"
    return f"{day} {shown_clock(local, local.tzinfo, seconds=seconds)}"


def shown_clock(at: datetime, zone: str | tzinfo | None = None, *, seconds: bool = False) -> str:
    """Return the time of day in a zone, by default that of the terminal: `02:00 CET`."""
    local = _in_zone(at, zone)
    return f"{local:%H:%M:%S} {_name_of_zone(local)}" if seconds else f"{local:%H:%M} {_name_of_zone(local)}"


def _in_zone(at: datetime, zone: str | tzinfo | None) -> datetime:
    return at.astimezone(zone_of(zone) if isinstance(zone, str) else zone)


def _name_of_zone(local: datetime) -> str:
    """Return `CET`, or `UTC-03:00` for one of the zones whose abbreviation is only a number."""
    name = local.tzname() or ""
    return f"UTC{local.isoformat()[-6:]}" if name.startswith(("+", "-")) else name
