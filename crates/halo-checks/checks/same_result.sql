-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type IN ('TOOL', 'RETRIEVER', 'CHAIN') AND coalesce(tool_name, name) = {subject}
WITH {{stuck_results}},
results AS (
  SELECT trace_id, span_id, coalesce(tool_name, name) AS tool, text_key(output) AS got, left(output, 240) AS said
  FROM spans
  WHERE (span_type IN ('TOOL', 'RETRIEVER') OR (span_type = 'CHAIN' AND regexp_like(name, '(^|[^a-z])(retriev|search|look_?up|vector|knowledge|index)', 'i')))
    AND octet_length(output) >= 60
)
SELECT r.trace_id, r.span_id, r.said AS quote, r.tool AS subject
FROM results AS r JOIN stuck_results AS s ON s.tool = r.tool AND s.got = r.got
