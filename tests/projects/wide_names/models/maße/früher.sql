select "Kunden Nr.", count(*) as "Fassungen" from {{ ref('Kunden früher') }} group by all
