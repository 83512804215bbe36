"""Finds sets whose order may affect a Python model. The order of texts in a set differs in each process."""

import ast

_BLIND = frozenset({"sorted", "len", "any", "all", "set", "frozenset", "bool", "min", "max"})
"""Functions whose result does not depend on the order of their argument."""
_OPERATORS = (ast.BitOr, ast.BitAnd, ast.BitXor, ast.Sub)
_METHODS = frozenset({"add", "discard", "remove", "clear", "issubset", "issuperset", "isdisjoint"})
_VIEWS = frozenset({"keys", "items"})


def unordered(tree: ast.Module) -> list[tuple[str, int]]:
    """Return findings for sets that are used for more than sorting, counting and membership tests."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    names: set[str] = set()
    found = []
    for node in ast.walk(tree):
        if _is_set(node, parents) and not _is_blind(node, parents):
            name = _assigned(parents.get(node))  # a named set is checked where the name is used
            if name is None:
                found.append(("the order of a set", getattr(node, "lineno", 1)))
            else:
                names.add(name)
    found += [
        (f"the order of the set {node.id}", node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id in names and not _is_store(node) and not _is_safe(node, parents)
    ]
    return found


def _is_safe(node: ast.Name, parents: dict[ast.AST, ast.AST]) -> bool:
    """Return whether a use of a set's name neither depends on its order nor makes another set of it."""
    parent = parents.get(node)
    if isinstance(parent, ast.Attribute):
        return parent.attr in _METHODS and _is_called(parent, parents)
    return not isinstance(parent, ast.BinOp) and _is_blind(node, parents)


def _is_store(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _is_set(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Name(id="set" | "frozenset", ctx=ast.Load()):
            return not _is_called(node, parents) and not _is_annotation(node, parents)
        case ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
        case ast.Call(func=ast.Attribute(attr=attr)) if attr in _VIEWS:
            parent = parents.get(node)
            # By itself such a view has the order of its dict. Only operators make a set of it, perhaps under another
            # name.
            return isinstance(parent, ast.BinOp | ast.Assign | ast.NamedExpr | ast.AnnAssign)
        case ast.BinOp(op=op) if isinstance(op, _OPERATORS):
            return _is_set(node.left, parents) or _is_set(node.right, parents)
        case _:
            return False


def _is_called(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    parent = parents.get(node)
    return isinstance(parent, ast.Call) and parent.func is node


def _is_annotation(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Return whether `set` is only a type: in an annotation, or as the class in `isinstance`."""
    parent = parents.get(node)
    while isinstance(parent, ast.Subscript | ast.Tuple | ast.BinOp):
        node, parent = parent, parents.get(parent)
    match parent:
        case ast.arg() | ast.FunctionDef():
            return True
        case ast.AnnAssign(annotation=annotation):
            return annotation is node
        case ast.Call(func=ast.Name(id="isinstance")):
            return True
        case _:
            return False


def _is_blind(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Return whether the expression around a set does not depend on its order."""
    parent = parents.get(node)
    match parent:
        case ast.Call(func=ast.Name(id=name), args=[only], keywords=[]) if name in _BLIND:
            return only is node
        case ast.Call(func=ast.Attribute(attr="isin" | "is_in"), args=[only]):
            return only is node
        case ast.Compare(ops=ops):
            return all(isinstance(op, ast.In | ast.NotIn | ast.Eq | ast.NotEq | ast.LtE | ast.GtE) for op in ops)
        case ast.BinOp(op=op) if isinstance(op, _OPERATORS):
            return True  # the result is a set, which is checked separately
        case ast.If() | ast.While() | ast.IfExp() | ast.Assert():
            return parent.test is node  # only whether it is empty
        case _:
            return False


def _assigned(parent: ast.AST | None) -> str | None:
    match parent:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
        case _:
            return None
