# ends: error
# says: nobody answers
input("key? ")