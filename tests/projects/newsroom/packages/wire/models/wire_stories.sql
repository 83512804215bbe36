select id as story_id, headline, sent_at from {{ source('agency', 'stories') }}
