{{ print('a model speaks') }}
{% if execute %}{% do exceptions.warn('a model warns') %}{% endif %}
select 1 as one
