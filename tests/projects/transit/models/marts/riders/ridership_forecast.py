def model(dbt, session):
    daily = dbt.ref("agg_ridership_daily")
    return daily.project("ridden_on, boarded + tapped as expected")
