"""What is known of the modules of an ingestion folder before one is imported."""

from orchestrator.adapters.dlt.discovery import find_modules, needed_by


def test_sqlalchemy_is_imported_early_where_a_module_speaks_of_sql(tmp_path):
    """It costs a start a fifth of a second, which no module that reads files or an API needs to spend."""
    (tmp_path / "api.py").write_text("import dlt\n")
    assert needed_by(find_modules(tmp_path)) == ()
    (tmp_path / "tables.py").write_text("from dlt.sources.sql_database import sql_table\n")
    assert needed_by(find_modules(tmp_path)) == ("sqlalchemy",)
