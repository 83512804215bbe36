select months from (select 12 as months) where months <> 12
