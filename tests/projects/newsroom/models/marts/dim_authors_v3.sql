select author_id, name, articles, null as pen_name from {{ ref('dim_authors', v=2) }}
