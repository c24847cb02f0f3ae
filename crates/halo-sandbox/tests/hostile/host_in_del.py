# ends: finished|error
# says: 
class A:
    def __del__(self): echo("x")
a = A()
del a
echo(1)