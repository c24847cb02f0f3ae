import statistics as st
ms = [r["duration_ms"] for r in sql("SELECT * FROM traces")]
print(round(st.mean(ms), 2), st.median(ms), round(st.stdev(ms), 3), round(st.pstdev(ms), 3))
print(st.mode(["a", "b", "a"]), [round(q, 2) for q in st.quantiles(ms, n=4)], st.median_low([1, 2, 3, 4]))
print(round(st.correlation(ms, list(range(len(ms)))), 4), st.multimode([1, 1, 2, 2]))
