{% macro note_results(results) %}
    {% if execute and results %}
        create or replace table audit.results as select * from (values
        {% for result in results %}
            ('{{ result.node.unique_id }}', '{{ result.status }}', {{ result.failures or 0 }}){{ "," if not loop.last }}
        {% endfor %}
        ) as t(unique_id, status, failures)
    {% else %}
        select 1
    {% endif %}
{% endmacro %}

{% macro note_schemas(schemas, database_schemas) %}
    create or replace table audit.schemas as
    select '{{ schemas | sort | join(" ") }}' as schemas, {{ database_schemas | length }} as how_many
{% endmacro %}
