# ends: finished|error
# says: 
class E(Exception):
    def __str__(self): return echo("inside")
raise E()