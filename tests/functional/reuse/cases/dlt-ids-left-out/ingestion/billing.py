import dlt


@dlt.source
def billing():
    @dlt.resource(write_disposition="replace")
    def invoices():
        yield [{"id": 7, "lines": [{"cents": 100}, {"cents": 250}]}, {"id": 8, "lines": [{"cents": 40}]}]

    return invoices
