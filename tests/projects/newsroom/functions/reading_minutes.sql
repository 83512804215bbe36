ceil(words / {{ var('reading_speed') }})
