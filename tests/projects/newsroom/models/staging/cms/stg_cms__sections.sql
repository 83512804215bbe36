select slug as section, rank from {{ source('cms', 'sections') }}
