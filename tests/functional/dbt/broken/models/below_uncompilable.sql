select id from {{ ref('uses_uncompilable') }}
