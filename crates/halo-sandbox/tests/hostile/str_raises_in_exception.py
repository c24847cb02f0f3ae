# ends: error
# says: its text can't be made
class E(Exception):
    def __str__(self): raise ValueError("no")
raise E()