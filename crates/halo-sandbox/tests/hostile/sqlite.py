# ends: error
# says: Hint: there are no files
import sqlite3
sqlite3.connect("/tmp/x.db")