{% macro open_book() %}
    create schema if not exists audit;
    create table if not exists audit.book (line varchar)
{% endmacro %}

{% macro audit_line(line) %}
    insert into audit.book values ('{{ line }}')
{% endmacro %}
