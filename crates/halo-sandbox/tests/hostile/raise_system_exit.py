# ends: exited
# says: 
raise SystemExit("bye")