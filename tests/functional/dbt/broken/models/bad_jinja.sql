select {{ exceptions.raise_compiler_error('not like this') if execute else '1' }} as id
