select
    airports.*,
    airports.airport_code in (select origin from {{ ref('stg_flights') }}) as is_origin
from {{ ref('int_airports') }} as airports
where
    airports.airport_code in (select origin from {{ ref('stg_flights') }})
    or airports.airport_code in (select destination from {{ ref('stg_flights') }})
