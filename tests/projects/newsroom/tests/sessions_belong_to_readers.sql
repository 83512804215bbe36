select s.reader from {{ source('web', 'sessions') }} s left join {{ ref('readers') }} r using (reader) where r.reader is null
