"""Reads from the target of dbt's profile how to log in to PostgreSQL."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

_SSL = ("sslmode", "sslcert", "sslkey", "sslrootcert")


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The parameters of a connection; the password is never shown, and is only sent through channels."""

    host: str
    port: int
    user: str
    database: str
    password: str = field(default="", repr=False)
    connect_timeout: int = 10
    keepalives_idle: int = 0
    ssl: Mapping[str, str] = field(default_factory=dict)
    role: str | None = None
    search_path: str | None = None
    application_name: str = "elt"

    @classmethod
    def of(cls, keys: Mapping[str, Any]) -> Self:
        """Read the keys of a target of type postgres, by the names that dbt's credentials have."""
        return cls(
            host=str(keys["host"]),
            port=int(keys["port"]),
            user=str(keys["user"]),
            database=str(keys["database"]),
            password=str(keys.get("password") or ""),
            connect_timeout=int(keys.get("connect_timeout") or 10),  # dbt's default
            keepalives_idle=int(keys.get("keepalives_idle") or 0),
            ssl={name: str(keys[name]) for name in _SSL if keys.get(name)},
            role=keys.get("role") or None,
            search_path=keys.get("search_path") or None,
        )

    @property
    def place(self) -> str:
        """The server and the database, without user or password."""
        return f"postgresql://{self.host}:{self.port}/{self.database}"

    def to_wire(self) -> dict[str, Any]:
        """Return plain values, including the password, for the channel to a child process."""
        return asdict(self)

    def named(self, application_name: str) -> Self:
        """Return the same login with an application name by which its sessions are found on the server."""
        return replace(self, application_name=application_name)

    def arguments(self, *, search_path: str | None = None, as_role: bool = True) -> dict[str, Any]:
        """Return libpq's arguments; role and search path are in `options`, because these survive a RESET."""
        options = {"search_path": search_path or self.search_path, "role": self.role if as_role else None}
        arguments: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "dbname": self.database,
            "connect_timeout": self.connect_timeout,
            "application_name": self.application_name,
            **self.ssl,
        }
        if self.keepalives_idle:
            arguments["keepalives_idle"] = self.keepalives_idle
        if any(options.values()):
            arguments["options"] = " ".join(f"-c {name}={_escaped(value)}" for name, value in options.items() if value)
        return arguments


def _escaped(value: str) -> str:
    # libpq splits `options` at spaces.
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
