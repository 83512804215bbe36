"""Keeps what is found out about macros while templates are read: which read vars, and which get values of vars."""

from collections.abc import Collection, Iterable

from jinja2 import nodes

CHANGING = frozenset(
    {
        *("add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "reverse"),
        *("setdefault", "sort", "update"),
    }
)
"""The methods of lists, dictionaries and sets that change them."""


class ParseMattersError(Exception):
    """Something that dbt's parse may read; the text says where."""


class MacroUses:
    """What is known of the macros of a project; it grows while its templates are read."""

    def __init__(self, pieces: Collection[str], defined: Collection[str]) -> None:
        self._pieces = frozenset(pieces)
        self.defined = frozenset(one for name in defined for one in called_names(name))
        self.reading: set[str] = set()
        """The macros whose result can depend on the vars."""
        self.given: set[tuple[str, int | str]] = set()
        """The parameters whose values can depend on the vars: the name of the macro, and their position or name."""
        self.changing: set[str] = set()
        """The macros that may change the lists that they get."""

    @property
    def size(self) -> int:
        """How much is known; it never shrinks."""
        return len(self.reading) + len(self.given) + len(self.changing)

    @property
    def names(self) -> list[str]:
        """The names of these macros, in order."""
        return sorted(self.reading | {name for name, _ in self.given})

    def names_var(self, text: str) -> bool:
        """Return whether a text contains the name of one of the vars, or a piece of it."""
        return any(piece in text for piece in self._pieces)

    def note_macro(self, macro: nodes.Macro, *, is_reading: bool) -> None:
        """Note what a macro does, under the names by which it is called."""
        if is_reading:
            self.reading.update(called_names(macro.name))
        if any(called_name(call.node) in CHANGING | self.changing for call in macro.find_all(nodes.Call)):
            self.changing.update(called_names(macro.name))

    def note_given(self, name: str, places: Iterable[int | str]) -> None:
        """Note the arguments of a call, for each macro that `adapter.dispatch` may find under this name."""
        called = {name, *(one for one in self.defined if one.endswith(f"__{name}"))}
        self.given |= {(one, place) for place in places for one in called}

    def parameters(self, macro: nodes.Macro) -> set[str]:
        """Return the parameters of a macro whose values can depend on the vars."""
        places = {place for name, place in self.given if name == macro.name}
        names = [parameter.name for parameter in macro.args]
        if places and not places <= {*range(len(names)), *names}:  # passed on as *args, or as varargs and kwargs
            return {*names, "varargs", "kwargs"}
        return {name for at, name in enumerate(names) if places & {at, name}}


def called_name(node: nodes.Node) -> str:
    """Return the name of what is called: `date_trunc` in `dbt.date_trunc`, and in `adapter.dispatch('date_trunc')`."""
    match node:
        case nodes.Name():
            return node.name
        case nodes.Getattr():
            return node.attr
        case nodes.Call(node=nodes.Getattr(attr="dispatch"), args=[nodes.Const(value=str(name)), *_]):
            return name
        case _:
            return ""


def called_names(name: str) -> tuple[str, ...]:
    """Return the names by which a macro is called: `adapter.dispatch('x')` calls `default__x`."""
    _, _, dispatched = name.partition("__")
    return (name, dispatched) if dispatched else (name,)
