# ends: error
# says: wants str for 'query' and got int
sql(5)