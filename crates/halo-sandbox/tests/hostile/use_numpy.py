# ends: error
# says: Hint: np is not available; sql()
np.array([1])