select id as author_id, name, desk from {{ source('cms', 'authors') }}
