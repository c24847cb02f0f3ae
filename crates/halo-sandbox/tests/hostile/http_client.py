# ends: error
# says: 
import http.client
http.client.HTTPConnection("127.0.0.1").request("GET", "/")