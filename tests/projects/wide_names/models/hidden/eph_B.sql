select nr, "Größe" * 10 as "Größe (mm)" from {{ ref('eph_a') }}
