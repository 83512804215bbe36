"""Removes comments and layout from a template if they certainly do not matter.

This is for code that can compile to several texts, so that comparing one compiled text proves nothing. If Jinja may
join or cut what looks like a comment or a string, the template is left unchanged.
"""

import re

_STRING = r'"(?:\\.|[^"\\])*+"|' + r"'(?:\\.|[^'\\])*+'"
_BRACES = r"[^{}\"']"
for _ in range(4):  # the deepest nesting of dictionaries that is supported in an expression
    _BRACES = rf"(?:{_STRING}|\{{(?:{_BRACES})*+\}}|[^{{}}\"'])"
TAG = re.compile(
    "|".join(
        (
            r"\{#.*?#\}",
            r"\{%[-+]?\s*raw\s*[-+]?%\}(?P<raw>.*?)\{%[-+]?\s*endraw\s*[-+]?%\}",
            rf"\{{%(?P<block>(?:{_STRING}|(?!%\}}).)*+)%\}}",
            rf"\{{\{{(?P<balanced>(?:{_BRACES})*+)\}}\}}",
            r"\{\{(?P<expression>.*?)\}\}",
        )
    ),
    re.DOTALL,
)

_PLAIN_BLOCK = re.compile(r"\{%[-+]?\s*(?:if|elif|else|endif|for|endfor|do)\b|\{%[-+]?\s*set\b[^%]*=")
_HOLDER = re.compile("\0(\\d+)\0")
_HELD_NEXT = re.compile("\\s*\0(\\d+)\0")
_HELD_LAST = re.compile("\0(\\d+)\0\\s*$")
_LEXED = re.compile(
    r"(?P<string>'(?:''|[^'])*'|\"(?:\"\"|[^\"])*\"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"
    r"|(?P<line>--[^\n]*(?:\n|$))|(?P<block>/\*.*?\*/)|(?P<space>\s+)|(?P<open>['\"]|\$\w*\$|/\*)",
    re.DOTALL,
)


def bare_code(text: str) -> str:
    """Return the code without comments and with single spaces; unchanged if a tag makes that uncertain."""
    tags: list[str] = []

    def held(found: re.Match[str]) -> str:
        if found[0].startswith("{#") and "-" not in {found[0][2:3], found[0][-3:-2]}:
            return ""  # Jinja removes it too
        tags.append(found[0])
        return f"\0{len(tags) - 1}\0"

    lexed = TAG.sub(held, text)
    if "\0" in text or "\1" in text or any(tag.startswith("{%") and not _PLAIN_BLOCK.match(tag) for tag in tags):
        return text
    pieces: list[str] = []
    end = 0
    for found in _LEXED.finditer(lexed):
        pieces.append(lexed[end : found.start()])
        piece = _bare(found, lexed, tags)
        if piece is None:
            return text
        pieces.append(piece)
        end = found.end()
    pieces.append(lexed[end:])
    spaced = "".join(pieces)
    return _HOLDER.sub(lambda one: tags[int(one[1])], _with_single_gaps(spaced)).strip()


def _bare(found: re.Match[str], lexed: str, tags: list[str]) -> str | None:
    """Return what remains of a string, a comment or whitespace; None if a tag makes that uncertain."""
    if found["open"] or (found["block"] and "/*" in found["block"][2:]):  # some databases nest comments
        return None
    inside = [tags[int(number)] for number in _HOLDER.findall(found[0])]
    if found["string"]:  # its spaces are hidden as \1, so that `_with_single_gaps` keeps them
        return None if any(tag.startswith("{%") for tag in inside) else found[0].replace(" ", "\1")
    if found["space"]:
        return " "
    before, behind = _HELD_LAST.search(lexed, 0, found.start()), _HELD_NEXT.match(lexed, found.end())
    is_cut = (before is not None and tags[int(before[1])][-3] == "-") or (
        behind is not None and tags[int(behind[1])][2] == "-"
    )
    return None if inside or is_cut else " "


def _with_single_gaps(text: str) -> str:
    """Return the text with single spaces; the spaces of strings, which were hidden, are restored."""
    return re.sub(" +", " ", text).replace("\1", " ")
