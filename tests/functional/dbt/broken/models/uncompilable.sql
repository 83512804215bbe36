{{ config(materialized='ephemeral') }}
select {{ exceptions.raise_compiler_error('never compiles') if execute else '1' }} as id
