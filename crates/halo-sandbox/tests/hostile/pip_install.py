# ends: error
# says: 
import pip
pip.main(["install", "requests"])