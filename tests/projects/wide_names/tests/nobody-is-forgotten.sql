select k."Kunden Nr." from {{ ref('Kunden') }} as k
left join {{ ref('größen-klassen') }} as g on g."Länder Code" = k."Land.Code"
where g."Länder Code" is null
