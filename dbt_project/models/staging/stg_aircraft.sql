select
    tailnum as tail_number,
    year as built_in,
    type as aircraft_type,
    manufacturer,
    model,
    engines,
    seats,
    engine as engine_type
from {{ source('faa_registry', 'planes') }}
