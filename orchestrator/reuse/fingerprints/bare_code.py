"""Removes comments and layout from a template if they certainly do not matter.

This is for code that can compile to several texts, so that comparing one compiled text proves nothing. If Jinja may
join or cut what looks like a comment or a string, the template is left unchanged.
"""

import re

_PLAIN_TAGS = frozenset({"if", "elif", "else", "endif", "for", "endfor", "do"})
_HOLDER = re.compile("\0(\\d+)\0")
_LEXED = re.compile(
    r"(?P<string>'(?:''|[^'])*'|\"(?:\"\"|[^\"])*\"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"
    r"|(?P<line>--[^\n]*(?:\n|$))|(?P<block>/\*.*?\*/)|(?P<space>\s+)|(?P<open>['\"]|\$\w*\$|/\*)",
    re.DOTALL,
)


def bare_code(text: str) -> str:
    """Return the code without comments and with single spaces; unchanged if a tag makes that uncertain."""
    tags: list[str] = []
    lexed = _with_held_tags(text, tags)
    if lexed is None:  # `raw`, `call`, `macro`: what they keep may be a string of SQL
        return text
    pieces: list[str] = []
    end = 0
    for found in _LEXED.finditer(lexed):
        pieces.append(lexed[end : found.start()])
        piece = _bare(found, tags)
        if piece is None:
            return text
        pieces.append(piece)
        end = found.end()
    pieces.append(lexed[end:])
    spaced = re.sub(" +", " ", "".join(pieces)).replace("\1", " ")
    return _HOLDER.sub(lambda one: tags[int(one[1])], spaced).strip()


def _with_held_tags(text: str, tags: list[str]) -> str | None:
    """Return the SQL of a template with the number of each tag in place of it; None if it has a tag that keeps text.

    Jinja's lexer has removed the whitespace that `-` in a tag removes, so the tags are written without it.
    """
    from jinja2 import TemplateSyntaxError

    from orchestrator.reuse.fingerprints.jinja import Piece, pieces_of

    def marked(piece: Piece) -> str:
        if piece.kind == "data":
            return piece.text
        tags.append(f"{{{{{piece.text}}}}}" if piece.kind == "variable" else f"{{%{piece.text}%}}")
        return f"\0{len(tags) - 1}\0"

    try:
        pieces = list(pieces_of(text))
    except TemplateSyntaxError:
        return None
    is_plain = all(piece.kind in {"data", "variable"} or _is_plain(piece.words) for piece in pieces)
    # \0 and \1 mark tags and kept spaces, so a text that contains them is left as it is.
    return "".join(map(marked, pieces)) if is_plain and "\0" not in text and "\1" not in text else None


def _is_plain(words: list[tuple[str, str]]) -> bool:
    """Return whether a block tag keeps no text: a condition, a loop, or `set` with a value."""
    match [value for _, value in words]:
        case ["set", *rest]:
            return next((value for value in rest if value in {"=", "|"}), "") == "="
        case [first, *_]:
            return first in _PLAIN_TAGS
        case _:
            return False


def _bare(found: re.Match[str], tags: list[str]) -> str | None:
    """Return what remains of a string, a comment or whitespace; None if a tag makes that uncertain."""
    if found["open"] or (found["block"] and "/*" in found["block"][2:]):  # some databases nest comments
        return None
    inside = [tags[int(number)] for number in _HOLDER.findall(found[0])]
    if found["string"]:  # its spaces are hidden as \1, so that they are kept
        return None if any(tag.startswith("{%") for tag in inside) else found[0].replace(" ", "\1")
    return " " if found["space"] or not inside else None
