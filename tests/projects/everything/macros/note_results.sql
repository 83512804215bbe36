{% macro note_results(results) %}
    {% if execute and results %}
        insert into audit.results values
        {% for result in results %}
            ('{{ result.node.unique_id }}', '{{ result.status }}'){{ "," if not loop.last }}
        {% endfor %}
    {% else %}
        select 1
    {% endif %}
{% endmacro %}
