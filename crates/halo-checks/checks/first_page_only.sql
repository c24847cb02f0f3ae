-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type = 'TOOL' AND coalesce(tool_name, name) = {subject} AND regexp_like(concat(left(output, 1500), ' … ', right(output, 1500)), {{more_pages}})
WITH results AS (
  -- What tells of more pages stands at the beginning or the end of a result.
  SELECT trace_id, span_id, step, coalesce(tool_name, name) AS tool, input, output,
         regexp_match(CASE WHEN octet_length(output) <= 3000 THEN output ELSE concat(left(output, 1500), ' … ', right(output, 1500)) END, {{more_pages}})[1] AS mark
  FROM spans WHERE span_type = 'TOOL'
),
calls AS (
  SELECT trace_id, span_id, step, tool, mark, CASE WHEN mark IS NOT NULL THEN substr(output, greatest(strpos(output, mark) - 80, 1), 240) END AS said,
         regexp_like(input, 'page|cursor|offset|token|after|skip|start|next|continu', 'i') AS is_paged
  FROM results
),
judged AS (
  SELECT trace_id, span_id, step, tool, mark, said,
         max(CASE WHEN is_paged THEN step END) OVER (PARTITION BY trace_id, tool) AS paged_step,
         max(CASE WHEN is_paged AND mark IS NULL THEN step END) OVER (PARTITION BY trace_id, tool) AS last_page_step
  FROM calls
)
-- The quote is the part of the result that says that there is more. A run that went on to a later page, or started on the last one,
-- knows of pages.
SELECT trace_id, span_id, said AS quote, tool AS subject
FROM judged
WHERE mark IS NOT NULL AND coalesce(paged_step <= step, true) AND last_page_step IS NULL
  -- Nor is one that says that there is more.
  AND trace_id NOT IN (SELECT trace_id FROM traces WHERE regexp_like(left(final_output, 2000), '\b(there (are|is) (still )?more\b|more (records|results|entries|items|pages|rows) (are|is|follow|exist|remain|to)|(only|just) (the )?first (page|\d+)|first page|next page|first \d+ (of|records|entries|items|rows|results)|remaining (records|pages|entries|results|items)|not (the )?(complete|full) list|partial (list|result))', 'i'))
