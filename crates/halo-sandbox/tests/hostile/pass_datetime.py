# ends: error
# says: type datetime can't be passed
import datetime
echo(datetime.datetime(2026, 1, 1))