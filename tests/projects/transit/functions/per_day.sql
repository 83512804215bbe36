amount / greatest(days, 1)
