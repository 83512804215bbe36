"""Decides whether dbt executes a node, or elt with statements that it makes from the compiled code (pure)."""
