select nr, "Größe (mm)" from {{ ref('eph_ç') }} where "Größe (mm)" > 0
