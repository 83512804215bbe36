{% macro open_the_desk() %}
    {% if execute %}
        {% do run_query("create schema if not exists desk") %}
        {% do run_query("create table if not exists desk.log (said varchar)") %}
    {% endif %}
    insert into desk.log values ('open {{ selected_resources | length > 0 }}')
{% endmacro %}

{% macro close_the_desk(schemas, results) %}
    insert into desk.log values ('close {{ schemas | sort | join(" ") }} {{ results | map(attribute="status") | unique | sort | join(" ") }}')
{% endmacro %}
