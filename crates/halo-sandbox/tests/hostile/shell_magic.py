# ends: error
# says: SyntaxError
!ls -la