"""Names the placeholders that stand for expressions of Jinja in SQL that is read without rendering it."""

THIS, RELATION, NAME, RENDERED = "__this__", "__relation__", "__name__", "__jinja__"
"""The placeholders for `{{ this }}`, a call of ref() or source(), a plain name, and any other expression."""
PLACEHOLDERS = frozenset({THIS, RELATION, NAME, RENDERED})
