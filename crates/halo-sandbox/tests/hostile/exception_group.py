# ends: error
# says: ExceptionGroup
raise ExceptionGroup("many", [ValueError(1), TypeError(2)])