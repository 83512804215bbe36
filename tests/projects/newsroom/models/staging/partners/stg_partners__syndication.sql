select article_id::integer as article_id, partner, fee_cents::integer as fee_cents from {{ source('partners', 'syndication') }}
