"""Takes the user and the password out of a URL: urllib would look for a host of that name."""

from base64 import b64encode
from urllib.parse import unquote, urlsplit


def without_login(url: str) -> tuple[str, dict[str, str]]:
    """Return a URL without its user and password, and the header that has them; none if the URL has none."""
    parts = urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, {}
    encoded = b64encode(unquote(login).encode()).decode()
    return parts._replace(netloc=host).geturl(), {"Authorization": f"Basic {encoded}"}
