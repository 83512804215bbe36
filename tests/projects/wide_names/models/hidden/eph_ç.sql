select b.nr, b."Größe (mm)", a."Größe" from {{ ref('eph_B') }} as b join {{ ref('eph_a') }} as a using (nr)
