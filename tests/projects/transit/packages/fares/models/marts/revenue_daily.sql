select tapped_on as earned_on, sum(cents) as cents, {{ euros('sum(cents)') }} as euros from {{ ref('fct_taps') }} group by 1
