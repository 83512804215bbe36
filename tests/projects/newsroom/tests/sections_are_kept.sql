select slug from {{ source('cms', 'sections') }} except select slug from {{ ref('snap_sections') }}
