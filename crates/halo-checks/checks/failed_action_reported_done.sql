-- population: SELECT trace_id FROM traces WHERE tool_calls > 0
WITH {{calls}},
{{answers}},
timeline AS (
  SELECT trace_id, span_id, step, false AS is_answer, failed, tool, said FROM calls
  UNION ALL
  SELECT trace_id, span_id, step, true, NULL, NULL, left(said, 1500) FROM answers
),
placed AS (
  SELECT trace_id, span_id, is_answer, said, lag(is_answer) OVER w AS after_answer, lag(failed) OVER w AS after_failure,
         lag(tool) OVER w AS tool
  FROM timeline
  WINDOW w AS (PARTITION BY trace_id ORDER BY step)
)
-- Only an answer that comes right after a failed call counts; a retry that worked, or another action that did, lies in between otherwise.
SELECT trace_id, span_id, left(said, 300) AS quote
FROM placed
WHERE is_answer AND NOT after_answer AND after_failure
  AND (regexp_like(said, {{claims}}, 'i')
       OR (regexp_like(said, {{claims_passive}}, 'i') AND regexp_like(tool, {{acting_tool}}, 'i')))
  AND NOT regexp_like(said, {{admits}}, 'i')
