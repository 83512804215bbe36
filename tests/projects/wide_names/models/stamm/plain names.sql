{{ config(alias='Plain-Names') }}
select id, camelcase as "camelCase" from {{ source('plain', 'names') }}
