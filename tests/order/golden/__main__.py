from tests.order.golden import write_missing

write_missing()
