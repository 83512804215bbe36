{% snapshot snap_stops %}
{{ config(unique_key='id', strategy='timestamp', updated_at='changed_at', meta={'tier': 2}) }}
select id, name, lat, lon, changed_at from {{ source('gtfs', 'stops') }}
{% endsnapshot %}
