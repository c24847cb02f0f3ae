stuck_results AS (
  -- Results that a tool with many others to give gives to many different questions.
  SELECT r.tool, r.got
  FROM (SELECT coalesce(tool_name, name) AS tool, text_key(input) AS asked, text_key(output) AS got
        FROM spans
        WHERE (span_type IN ('TOOL', 'RETRIEVER') OR (span_type = 'CHAIN' AND regexp_like(name, '(^|[^a-z])(retriev|search|look_?up|vector|knowledge|index)', 'i')))
          AND octet_length(output) >= 60 AND octet_length(input) >= 8 AND result_failure(output) IS NULL AND coalesce(status, 'UNSET') <> 'ERROR') AS r
  JOIN (SELECT coalesce(tool_name, name) AS tool, text_key(output) AS got
        FROM spans
        WHERE (span_type IN ('TOOL', 'RETRIEVER') OR (span_type = 'CHAIN' AND regexp_like(name, '(^|[^a-z])(retriev|search|look_?up|vector|knowledge|index)', 'i'))) AND octet_length(output) >= 60
        GROUP BY coalesce(tool_name, name), text_key(output)
        HAVING count(*) >= 5) AS often ON often.tool = r.tool AND often.got = r.got
  GROUP BY r.tool, r.got
  HAVING count(DISTINCT r.asked) >= 5
)
