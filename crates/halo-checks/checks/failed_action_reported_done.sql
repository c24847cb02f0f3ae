-- population: SELECT trace_id FROM traces WHERE tool_calls > 0
WITH {{calls}},
{{answers}},
timeline AS (
  SELECT trace_id, span_id, step, false AS is_answer, failed, tool, said FROM calls WHERE trace_id IN (SELECT trace_id FROM calls WHERE failed)
  UNION ALL
  SELECT trace_id, span_id, step, true, NULL, NULL, left(said, 1500) FROM answers WHERE trace_id IN (SELECT trace_id FROM calls WHERE failed)
),
placed AS (
  SELECT trace_id, span_id, step, is_answer, said, lag(is_answer) OVER w AS after_answer, lag(failed) OVER w AS after_failure,
         lag(tool) OVER w AS tool, lag(said) OVER w AS failure,
         -- Whether the tool worked at last, or before: a call that is made again is what was asked for.
         max(CASE WHEN NOT failed THEN step END) OVER (PARTITION BY trace_id) AS worked_step
  FROM timeline
  WINDOW w AS (PARTITION BY trace_id ORDER BY step)
)
-- Only an answer that comes right after a failed call counts; a retry that worked, or another action that did, lies in between otherwise. What
-- is not there, or was typed wrongly, is an answer of its own.
SELECT trace_id, span_id, left(said, 300) AS quote, tool AS subject
FROM placed
WHERE is_answer AND NOT after_answer AND after_failure AND length(said) >= 4
  AND NOT regexp_like(said, {{admits}}, 'i')
  AND NOT regexp_like(said, {{asks_back}}, 'i')
  AND (regexp_like(said, {{claims}}, 'i')
       OR regexp_like(tool, concat('^(', {{acting_tool}}, ')'), 'i')
       OR NOT regexp_like(left(failure, 400), 'not[ _]?found|no such|does(n[''’]t| not) exist|\b404\b|unknown|invalid|must be|required|expected|validation|no (results?|match|record|entr)', 'i'))
  AND NOT regexp_like(tool, 'test|lint|build|compile|python|bash|shell|exec|code|terminal', 'i')
