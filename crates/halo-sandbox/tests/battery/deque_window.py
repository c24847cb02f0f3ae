from collections import deque
window, worst = deque(maxlen=3), 0
for r in sql("SELECT * FROM tool_calls"):
    window.append(r["duration_ms"])
    worst = max(worst, sum(window))
print(worst, list(window))
q = deque([1, 2, 3]); q.rotate(1); q.appendleft(0)
print(q, q.pop())
