# ends: error
# says: Hint: there are no files
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)