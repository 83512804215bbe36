select tap_id from {{ ref('fct_taps') }} where cents is null
