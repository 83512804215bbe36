select id as card_id, kind from {{ source('tickets', 'cards') }}
