select card_id, kind from {{ ref('stg_tickets__cards') }}
