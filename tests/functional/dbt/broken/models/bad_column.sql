select * from (values (1), (1), (null)) as t(id)
