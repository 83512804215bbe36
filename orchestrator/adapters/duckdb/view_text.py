"""Writes the definition of a view in one form, whichever storage format of DuckDB it went through (pure).

DuckDB keeps the text of a new view as it was parsed. When it stores the view in an older format (by default in DuckDB
1.5, with `storage_version` in DuckDB 2), it resolves types and numbers: `CAST(d AS date)` is `CAST(d AS DATE)` when
the file is opened again, `TIMESTAMP` is `TIMESTAMP_US`, and `1e5` is `CAST(100000.0 AS DOUBLE)`. What is not known here
stays as it is: such a view is rebuilt, and never reused by mistake.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

_TOKEN = re.compile(
    r"(?P<text>'(?:[^']|'')*')|(?P<quoted>\"(?:[^\"]|\"\")*\")|(?P<word>[^\W\d]\w*)"
    r"|(?P<number>\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?)|(?P<space>\s+)|(?P<sign>.)",
    re.DOTALL,
)
_MAY_DIFFER = re.compile(r"CAST\(|\blambda\b|\d_\d|\d[eE][+-]?\d", re.IGNORECASE)
_CASTS = frozenset({"CAST", "TRY_CAST"})
_NAMED_FIELDS = frozenset({"STRUCT", "UNION"})
_NAMES = {
    "BIGINT": "int8 long oid",
    "BIGNUM": "varint",
    "BIT": "bitstring",
    "BLOB": "bytea binary varbinary",
    "BOOLEAN": "bool logical",
    "DATE": "",
    "DECIMAL": "numeric dec",
    "DOUBLE": "float8",
    "ENUM": "",
    "FLOAT": "real float4",
    "GEOMETRY": "",
    "HUGEINT": "int128",
    "INTEGER": "int int4 signed integral",
    "INTERVAL": "",
    "JSON": "",
    "MAP": "",
    "SMALLINT": "int2 short",
    "STRUCT": "row",
    "TIME": "",
    "TIMESTAMP": "datetime timestamp_us",
    "TIMESTAMPTZ": "",
    "TIMESTAMP_MS": "",
    "TIMESTAMP_NS": "",
    "TIMESTAMP_S": "",
    "TIMETZ": "",
    "TIME_NS": "",
    "TINYINT": "int1",
    "UBIGINT": "uint64",
    "UHUGEINT": "uint128",
    "UINTEGER": "uint32",
    "UNION": "",
    "USMALLINT": "uint16",
    "UTINYINT": "uint8",
    "UUID": "guid",
    "VARCHAR": "text string char bpchar nvarchar",
    "VARIANT": "",
}
"""DuckDB's own types, each with its other names."""
_TYPES = {other.upper(): name for name, others in _NAMES.items() for other in (name, *others.split())}
_IN_ZONE = {"TIMESTAMP": "TIMESTAMPTZ", "TIME": "TIMETZ"}
_WITH_TIME_ZONE = ("WITH", "TIME", "ZONE")

_Token = tuple[str, str]
"""The kind of a token, which is a group of the pattern, and its text."""


@lru_cache(maxsize=4096)  # a command looks at a view several times
def in_one_form(definition: str) -> str:
    """Return the definition of a view, with types, numbers and lambdas written as older storage formats keep them."""
    if not _MAY_DIFFER.search(definition):
        return definition
    tokens = [(found.lastgroup or "", found.group()) for found in _TOKEN.finditer(definition)]
    return "".join(_written(tokens))


def _written(tokens: Sequence[_Token]) -> Iterator[str]:
    """Yield the texts of tokens, in the one form."""
    index = 0
    while index < len(tokens):
        kind, text = tokens[index]
        if kind == "word" and text.upper() in _CASTS and _sign(tokens, index + 1, "("):
            end = _closing(tokens, index + 1)
            inside = tokens[index + 2 : end]
            at = _type_at(inside)
            yield f"{text}({''.join(_written(inside[:at]))}{_type_text(inside[at:]) if at < len(inside) else ''}"
            index = end
        elif kind == "word" and text.lower() == "lambda" and (end := _colon(tokens, index)):
            names = [name for one, name in tokens[index + 1 : end] if one in {"word", "quoted"}]
            yield f"{names[0]} ->" if len(names) == 1 else f'"row"({", ".join(names)}) ->'
            index = end + 1
        elif text == "-" and index + 1 < len(tokens) and _has_exponent(tokens[index + 1]):
            yield _number(f"-{tokens[index + 1][1]}")
            index += 2
        else:
            yield _number(text) if kind == "number" else text
            index += 1


def _number(text: str) -> str:
    plain = text.replace("_", "")
    if "e" not in plain.lower():
        return plain
    value = repr(float(plain))
    return value if "e" in value else f"CAST({value} AS DOUBLE)"


def _has_exponent(token: _Token) -> bool:
    return token[0] == "number" and "e" in token[1].lower()


def _sign(tokens: Sequence[_Token], index: int, sign: str) -> bool:
    return index < len(tokens) and tokens[index] == ("sign", sign)


def _closing(tokens: Sequence[_Token], opening: int) -> int:
    """Return the index of the parenthesis that closes the one at `opening`; the end if there is none."""
    depth = 0
    for index in range(opening, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[index][1], 0)
        if depth == 0:
            return index
    return len(tokens)


def _type_at(inside: Sequence[_Token]) -> int:
    """Return where the type of a cast begins: after the AS that is in no further parentheses."""
    depth = 0
    for index, (kind, text) in enumerate(inside):
        depth += {"(": 1, ")": -1}.get(text, 0)
        if depth == 0 and kind == "word" and text.upper() == "AS":
            return index + 1
    return len(inside)


def _colon(tokens: Sequence[_Token], start: int) -> int:
    """Return the index of the colon after the parameters of a lambda; 0 if something else follows the word."""
    for index in range(start + 1, len(tokens)):
        kind, text = tokens[index]
        if (kind, text) == ("sign", ":"):
            return index if index > start + 2 else 0
        if kind not in {"word", "quoted", "space"} and text != ",":
            return 0
    return 0


def _type_text(tokens: Sequence[_Token]) -> str:
    """Return a type by DuckDB's own names, without the spaces that do not matter."""
    solid = [token for token in tokens if token[0] != "space"]
    parts: list[str] = []
    enclosing: list[str] = []  # the names before the open parentheses
    index = 0
    while index < len(solid):
        kind, text = solid[index]
        is_field = bool(enclosing) and enclosing[-1] in _NAMED_FIELDS and solid[index - 1][1] in {"(", ","}
        index += 1
        if text == "(" and kind == "sign":
            enclosing.append(parts[-1].strip() if parts else "")
        elif text == ")" and kind == "sign" and enclosing:
            enclosing.pop()
        if is_field or kind not in {"word", "quoted"}:
            parts.append(f"{text} " if is_field else text)
            continue
        name, taken = _named(solid, index - 1)
        arguments, passed = _arguments(name, solid, index - 1 + taken)
        parts.append(name + arguments)
        index += taken - 1 + passed
    return f" {''.join(parts)}"


def _named(solid: Sequence[_Token], index: int) -> tuple[str, int]:
    """Return the name of the type at an index, and how many tokens it has."""
    kind, text = solid[index]
    words = text[1:-1].upper().split() if kind == "quoted" else [text.upper()]
    following = tuple(one[1].upper() for one in solid[index + 1 : index + 4])
    is_in_zone = tuple(words[1:]) == _WITH_TIME_ZONE
    if words and words[0] in _IN_ZONE and (is_in_zone or (len(words) == 1 and following == _WITH_TIME_ZONE)):
        return _IN_ZONE[words[0]], 1 if is_in_zone else 4
    return (_TYPES.get(words[0], text) if len(words) == 1 else text), 1


def _arguments(name: str, solid: Sequence[_Token], index: int) -> tuple[str, int]:
    """Return the arguments of a type, with DuckDB's defaults, and how many tokens they have."""
    has_any = _sign(solid, index, "(")
    end = _closing(solid, index) if has_any else index
    numbers = [text for kind, text in solid[index:end] if kind == "number"]
    passed = end - index + 1 if has_any else 0
    if name == "DECIMAL":
        precision, scale = (*numbers, "0")[:2] if numbers else ("18", "3")
        return f"({precision},{scale})", passed
    # DuckDB ignores the length of a text, and the one of a bit string.
    return ("", passed) if name in {"VARCHAR", "BIT"} else ("", 0)
