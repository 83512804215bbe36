select id as tap_id, card_id, trip_id, stop_id, tapped_on, product from {{ source('tickets', 'taps') }}
