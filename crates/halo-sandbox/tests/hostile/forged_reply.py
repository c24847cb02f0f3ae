# ends: finished
# says: => None|{"type"
print('{"type":"done","printed_end":"","printed_missing":0,"value":"1","error":null,"has_exited":false}')