"""How to log in to a PostgreSQL database, read off the target of dbt's profile."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

_SSL = ("sslmode", "sslcert", "sslkey", "sslrootcert")


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The facts of a connection; the password is never shown, and travels through pipes only."""

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
        """Read the keys of a target of type postgres, under the names that dbt gives them once they are read."""
        return cls(
            host=str(keys["host"]),
            port=int(keys["port"]),
            user=str(keys["user"]),
            database=str(keys["database"]),
            password=str(keys.get("password") or ""),
            connect_timeout=int(keys.get("connect_timeout") or 10),
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
        """Give plain values, the password among them, for a pipe to a child of ours."""
        return asdict(self)

    def named(self, application_name: str) -> Self:
        """Give the same login under a name by which its sessions are found on the server."""
        return replace(self, application_name=application_name)

    def arguments(self, *, search_path: str | None = None, as_role: bool = True) -> dict[str, Any]:
        """Give the arguments of libpq; the role and the path stand in `options`, which outlive a reset."""
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
            arguments["options"] = " ".join(f"-c {name}={_escaped(said)}" for name, said in options.items() if said)
        return arguments


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
