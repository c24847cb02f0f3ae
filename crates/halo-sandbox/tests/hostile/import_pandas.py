# ends: error
# says: Hint: pandas is not available; sql()
import pandas as pd