select id as customer_id, name, country, tier, updated_at from {{ source('books', 'customers') }}
