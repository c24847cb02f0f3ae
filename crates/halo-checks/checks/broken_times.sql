-- population: SELECT trace_id FROM traces
WITH nested AS (
  SELECT c.trace_id, c.span_id, c.name, c.start_time, c.end_time, p.start_time AS outer_start, p.end_time AS outer_end
  FROM spans AS c JOIN spans AS p ON p.trace_id = c.trace_id AND p.span_id = c.parent_span_id
  WHERE c.span_type IN ('LLM', 'TOOL', 'AGENT', 'RETRIEVER', 'CHAIN')
)
-- A parent that does not wait for its child ends early, which is no mistake; one that begins after it is.
SELECT trace_id, span_id, name AS quote
FROM nested
WHERE CAST(outer_start AS BIGINT) - CAST(start_time AS BIGINT) > 2000000
   OR start_time > outer_end
UNION ALL
SELECT trace_id, span_id, name AS quote
FROM spans
WHERE end_time IS NULL OR end_time < start_time OR CAST(end_time AS BIGINT) <= 0
