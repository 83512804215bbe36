"""Takes secrets out of what is recorded of a command: values of secret variables, and of names that say so."""

import re
from collections.abc import Callable, Mapping

MASK = "*****"
_SECRET_NAME = re.compile(r"passw|secret|token|api_?key|private_?key|credential", re.IGNORECASE)
_SHORTEST = 4  # characters; a shorter value would be masked all over the place


def is_secret(name: str) -> bool:
    """Say whether a name says that its value is secret."""
    return _SECRET_NAME.search(name) is not None


def secrets_of(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Give the values of the environment that must not be recorded, longest first; dbt's DBT_ENV_SECRET_ among them."""
    found = {value for name, value in environ.items() if _SECRET_NAME.search(name) and len(value) >= _SHORTEST}
    return tuple(sorted(found, key=len, reverse=True))


def masked_text(text: str, secrets: tuple[str, ...]) -> str:
    """Put a mask over every secret in a text."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def masker(environ: Mapping[str, str]) -> Callable[[str], str]:
    """Give what puts a mask over the secrets of the environment in any text."""
    secrets = secrets_of(environ)
    return lambda text: masked_text(text, secrets)


def masked(value: object, secrets: tuple[str, ...]) -> object:
    """Put a mask over secrets anywhere in a value of JSON, and over what a secret's name stands before."""
    match value:
        case str():
            return masked_text(value, secrets)
        case Mapping():
            return {
                str(name): MASK if _SECRET_NAME.search(str(name)) else masked(inner, secrets)
                for name, inner in value.items()
            }
        case list() | tuple():
            return [masked(inner, secrets) for inner in value]
        case _:
            return value


def masked_words(words: tuple[str, ...], secrets: tuple[str, ...], shown_vars: object) -> tuple[str, ...]:
    """Mask a command line; what follows `--vars` is replaced by `shown_vars`, which is masked already."""
    found = []
    is_vars = False
    for word in words:
        if is_vars:
            found.append(str(shown_vars))
        elif word.startswith("--vars="):
            found.append(f"--vars={shown_vars}")
        else:
            found.append(masked_text(word, secrets))
        is_vars = word == "--vars"
    return tuple(found)
