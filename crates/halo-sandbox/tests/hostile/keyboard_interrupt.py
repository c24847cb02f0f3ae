# ends: error
# says: KeyboardInterrupt
raise KeyboardInterrupt