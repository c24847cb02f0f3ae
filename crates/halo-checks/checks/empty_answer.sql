-- population: SELECT trace_id FROM traces WHERE llm_calls > 0
WITH replies AS (
  SELECT trace_id, span_id, name, status, requested_tool_calls, left(input, 240) AS asked, trim(left(output, 100)) AS said,
         row_number() OVER (PARTITION BY trace_id ORDER BY step DESC) AS from_end,
         max(CASE WHEN length(trim(left(output, 100))) > 0 OR requested_tool_calls IS NOT NULL THEN 1 ELSE 0 END)
           OVER (PARTITION BY trace_id) AS records_replies
  FROM spans WHERE span_type = 'LLM'
),
answered AS (
  SELECT DISTINCT trace_id FROM spans WHERE parent_span_id IS NULL AND span_type <> 'LLM' AND length(trim(left(output, 100))) > 0
)
-- A run whose model calls record no reply at all is not known to be empty.
SELECT trace_id, span_id, coalesce(nullif(asked, ''), name) AS quote
FROM replies
WHERE from_end = 1 AND records_replies = 1 AND coalesce(said, '') = '' AND requested_tool_calls IS NULL
  AND coalesce(status, 'UNSET') <> 'ERROR' AND trace_id NOT IN (SELECT trace_id FROM answered)
