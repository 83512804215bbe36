trim(regexp_replace(title, '\s+', ' ', 'g'))
