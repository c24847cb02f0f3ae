-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type IN ('TOOL', 'RETRIEVER') AND coalesce(tool_name, name) = {subject} AND output IS NOT NULL
WITH listed AS (
  SELECT trace_id, span_id, span_type, step, coalesce(tool_name, name) AS tool, input, output,
         octet_length(output) < 400 AND regexp_like(trim(left(output, 400)), '^(|\[\s*\]|\{\s*\}|null|none|""|no (results?|matches|records|documents|data|hits|items)\b.{0,120}|\{[^\[\]]*"(results?|items|matches|documents|records|data|hits|rows|entries)"\s*:\s*\[\s*\][^\[\]]*\})\s*$', 'i') AS is_empty
  FROM spans WHERE span_type IN ('TOOL', 'RETRIEVER') AND output IS NOT NULL
),
results AS (
  SELECT trace_id, span_id, span_type, step, tool, is_empty, CASE WHEN is_empty THEN left(input, 240) END AS asked, CASE WHEN is_empty THEN left(output, 200) END AS said
  FROM listed
),
judged AS (
  SELECT *, max(CASE WHEN NOT is_empty THEN step END) OVER (PARTITION BY trace_id, tool) AS found_step,
         max(CASE WHEN NOT is_empty THEN 1 ELSE 0 END) OVER (PARTITION BY tool) AS finds_something
  FROM results
)
-- A tool that never returns anything has no result to return: only one that finds something elsewhere counts.
SELECT trace_id, span_id, coalesce(nullif(trim(said), ''), asked, tool) AS quote, tool AS subject
FROM judged
WHERE is_empty AND finds_something = 1 AND found_step IS NULL
  -- What only acts, such as writing a file, has nothing to find.
  AND (span_type = 'RETRIEVER' OR regexp_like(tool, 'search|find|get|list|look|query|fetch|retriev|read|select|browse|check|quote', 'i'))
