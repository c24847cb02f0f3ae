# ends: error
# says: its signature is sql(query: str) -> list[dict]
sql("SELECT 1", limit=5)