{# dbt finds the macros of dbt-duckdb, on which this adapter depends. #}
