select id from {{ ref('uncompilable') }}
