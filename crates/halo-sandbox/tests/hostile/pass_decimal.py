# ends: error
# says: type Decimal can't be passed
from decimal import Decimal
echo(Decimal("1.5"))