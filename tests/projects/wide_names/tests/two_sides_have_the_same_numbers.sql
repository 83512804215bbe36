-- over d2_a and d2_c: only what descends from both of them waits for it
select a.nr from {{ ref('d2_a') }} as a left join {{ ref('d2_c') }} as c on c.nr = a.nr where c.nr is null
