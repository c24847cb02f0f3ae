# ends: error
# says: 
import multiprocessing
p = multiprocessing.Process(target=print)
p.start()