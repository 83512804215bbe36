{#- A table with a primary key: `materialized='keyed_table', key='id'`. -#}
{% materialization keyed_table, adapter='duckdb', supported_languages=['sql'] %}
    {%- set key = config.require('key') -%}
    {%- if key is not string -%}
        {{ exceptions.raise_compiler_error("keyed_table needs one key, got " ~ key) }}
    {%- endif -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set standing = load_cached_relation(this) -%}
    {{ run_hooks(pre_hooks) }}
    {% if standing is not none %}{% do adapter.drop_relation(standing) %}{% endif %}
    {% call statement('main') -%}
        create table {{ target_relation }} as {{ sql }}
    {%- endcall %}
    {% call statement('key') -%}
        alter table {{ target_relation }} add primary key ({{ key }})
    {%- endcall %}
    {{ run_hooks(post_hooks) }}
    {% do persist_docs(target_relation, model) %}
    {{ adapter.commit() }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
