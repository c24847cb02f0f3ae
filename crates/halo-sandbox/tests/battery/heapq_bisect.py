import heapq, bisect
ms = [r["duration_ms"] for r in sql("SELECT * FROM tool_calls")]
print(heapq.nlargest(3, ms), heapq.nsmallest(2, ms))
edges = [25, 50, 75]
counts = [0] * 4
for m in ms:
    counts[bisect.bisect_right(edges, m)] += 1
print(counts)
h = []
for n in (5, 1, 4): heapq.heappush(h, n)
[heapq.heappop(h) for _ in range(3)]
