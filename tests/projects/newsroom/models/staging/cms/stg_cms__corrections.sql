select article_id, count(*) as corrections from {{ source('cms', 'corrections') }} group by article_id
