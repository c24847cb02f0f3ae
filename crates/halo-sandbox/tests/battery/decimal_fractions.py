from decimal import Decimal, ROUND_HALF_UP
from fractions import Fraction
cost = sum((Decimal(str(r["cost_usd"])) for r in sql("SELECT * FROM traces") if r["cost_usd"] is not None), Decimal(0))
print(cost, cost.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP), Decimal("0.1") + Decimal("0.2"))
print(Fraction(3, 12) + Fraction(1, 3), Fraction("0.125"), float(Fraction(1, 8)))
