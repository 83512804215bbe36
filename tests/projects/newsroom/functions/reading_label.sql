{{ function('reading_minutes') }}(words)::int || ' min: ' || {{ function('clean_title') }}(title)
