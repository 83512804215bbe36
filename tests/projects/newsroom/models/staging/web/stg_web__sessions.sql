select session_id, reader, coalesce(device, 'unknown') as device, pages from {{ source('web', 'sessions') }}
