-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type = 'LLM' AND requested_tool_calls IS NOT NULL
WITH {{requested}},
executed AS (
  SELECT trace_id, span_id, tool_call_id AS id, left(input, 4000) AS input, left(coalesce(nullif(input, ''), output, name), 240) AS said
  FROM spans WHERE span_type = 'TOOL' AND tool_call_id IS NOT NULL AND octet_length(input) BETWEEN 2 AND 4000
),
asked AS (
  SELECT trace_id, id, tool, leaf['value'] AS value
  FROM (SELECT r.trace_id, r.id, r.tool, unnest(json_leaves(r.arguments)) AS leaf
        FROM requested AS r
        JOIN (SELECT DISTINCT trace_id, tool_call_id AS id FROM spans WHERE span_type = 'TOOL' AND tool_call_id IS NOT NULL) AS e
          ON e.trace_id = r.trace_id AND e.id = r.id
        WHERE octet_length(r.arguments) < 4000) AS listed
  WHERE length(leaf['value']) BETWEEN 3 AND 200
),
got AS (
  SELECT trace_id, id, leaf['value'] AS value
  FROM (SELECT trace_id, id, unnest(json_leaves(input)) AS leaf FROM executed) AS listed
),
compared AS (
  SELECT a.trace_id, a.id, a.tool, count(*) AS given, count(g.value) AS kept
  FROM asked AS a LEFT JOIN (SELECT DISTINCT trace_id, id, value FROM got) AS g ON g.trace_id = a.trace_id AND g.id = a.id AND g.value = a.value
  GROUP BY a.trace_id, a.id, a.tool
),
judged AS (
  -- Tools whose arguments arrive as they were written, as a rule: else they are just recorded in another form.
  SELECT e.trace_id, e.span_id, e.said, c.tool, c.given, c.kept,
         avg(CASE WHEN c.kept = c.given THEN 1.0 ELSE 0.0 END) OVER (PARTITION BY c.tool) AS whole_share
  FROM executed AS e JOIN compared AS c ON c.trace_id = e.trace_id AND c.id = e.id
)
SELECT trace_id, span_id, said AS quote, tool AS subject
FROM judged
WHERE kept < given AND whole_share >= 0.5
