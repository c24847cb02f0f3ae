import hashlib, base64
text = sql("SELECT * FROM traces")[0]["final_output"]
print(hashlib.sha256(text.encode()).hexdigest()[:16], hashlib.md5(b"abc").hexdigest())
print(base64.b64encode(text.encode()).decode()[:20], base64.b64decode("aGk=").decode(), bytes.fromhex("6869"))
