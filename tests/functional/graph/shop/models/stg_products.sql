select id from {{ source('raw','products') }}
