{{calls}},
repeating AS (
  -- Runs that make one and the same call three times or more.
  SELECT DISTINCT trace_id FROM (SELECT trace_id FROM calls GROUP BY trace_id, tool, asked HAVING count(*) >= 3) AS thrice
)
