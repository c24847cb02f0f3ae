# ends: finished
# says: 'x'
class S(str):
    def __str__(self): raise ValueError
echo(S("x"))