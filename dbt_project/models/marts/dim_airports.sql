with ends as (
    select origin as airport_code, true as is_origin
    from {{ ref('stg_flights') }}

    union all

    select destination, false
    from {{ ref('stg_flights') }}
),

airports_in_use as (
    select
        airport_code,
        bool_or(is_origin) as is_origin
    from ends
    group by airport_code
)

select
    airports.*,
    airports_in_use.is_origin
from {{ ref('int_airports') }} as airports
inner join airports_in_use on airports.airport_code = airports_in_use.airport_code
