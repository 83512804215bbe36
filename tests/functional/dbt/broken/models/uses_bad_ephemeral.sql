select id from {{ ref('bad_ephemeral') }}
