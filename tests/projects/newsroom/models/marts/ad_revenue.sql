select d.section, d.day, d.views * r.cents_per_view as cents
from {{ ref('section_daily') }} d join {{ ref('stg_partners__ad_rates') }} r using (section)
