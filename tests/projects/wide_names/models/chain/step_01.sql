select id, 1 as depth from range(1, 6) as t(id)
