# ends: finished
# says: {} None
import os
print(os.environ, os.getenv("OPENAI_API_KEY"))