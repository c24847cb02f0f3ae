-- population: SELECT trace_id FROM traces
WITH {{unfinished}},
piles AS (
  SELECT root_name, llm_calls
  FROM (SELECT root_name, llm_calls, count(*) AS runs, sum(count(*)) OVER (PARTITION BY root_name) AS all_runs
        FROM unfinished WHERE NOT is_answered GROUP BY root_name, llm_calls) AS counted
  WHERE llm_calls >= 5 AND runs >= 5 AND runs * 2 >= all_runs
),
lengths AS (
  SELECT root_name, llm_calls, runs, max(llm_calls) OVER (PARTITION BY root_name) AS longest
  FROM (SELECT root_name, llm_calls, count(*) AS runs FROM traces WHERE llm_calls > 0 GROUP BY root_name, llm_calls) AS counted
),
longest_runs AS (
  SELECT root_name, longest, sum(CASE WHEN llm_calls = longest THEN runs ELSE 0 END) AS runs,
         sum(CASE WHEN llm_calls BETWEEN longest - 2 AND longest - 1 THEN runs ELSE 0 END) AS runs_just_below
  FROM lengths GROUP BY root_name, longest
),
caps AS (
  -- Runs pile up at the greatest length there is, or nearly all of that length are unfinished: a limit cut them.
  SELECT l.root_name, l.longest
  FROM longest_runs AS l JOIN (SELECT root_name, llm_calls, count(*) AS cut FROM unfinished GROUP BY root_name, llm_calls) AS u
    ON u.root_name = l.root_name AND u.llm_calls = l.longest
  WHERE l.longest >= 5 AND u.cut >= 3 AND (u.cut * 5 >= l.runs * 4 OR l.runs >= 3 * (l.runs_just_below + 1))
)
SELECT u.trace_id, u.span_id, u.requested AS quote
FROM unfinished AS u JOIN caps AS c ON c.root_name = u.root_name AND c.longest = u.llm_calls
UNION ALL
-- Runs that were never answered, nearly all of them after one and the same number of calls.
SELECT u.trace_id, u.span_id, u.requested AS quote
FROM unfinished AS u JOIN piles AS p ON p.root_name = u.root_name AND p.llm_calls = u.llm_calls
WHERE NOT u.is_answered
UNION ALL
-- The harness says so itself, in the answer it gives instead or in a status.
SELECT trace_id, span_id, left(said, 240) AS quote
FROM (SELECT trace_id, span_id, CASE WHEN status = 'ERROR' AND status_message IS NOT NULL THEN status_message ELSE output END AS said
      FROM spans WHERE span_type <> 'TOOL' AND (status = 'ERROR' OR (span_type IN ('AGENT', 'CHAIN', 'SPAN') AND octet_length(output) < 2400 AND requested_tool_calls IS NULL))) AS spoken
WHERE length(said) < 600 AND regexp_like(said, '(max(imum)?|limit of|exceeded|reached|hit|used up|ran out of)\b[^.\n]{0,40}\b(iterations?|steps?|turns?|tool calls|recursion|rounds)\b|\b(iterations?|steps?|turns?|recursion|rounds) (limit|budget)|recursion_?limit|max_?(iterations|steps|turns)|stopped (after|due to)[^.\n]{0,30}(iterations?|steps?|turns?)', 'i')
UNION ALL
SELECT trace_id, span_id, left(said, 240) AS quote
FROM last_replies
WHERE requested IS NULL AND length(said) < 600
  AND regexp_like(said, '(maximum|max\.?|limit of|exceeded|reached|hit|used up|ran out of)\b[^.\n]{0,40}\b(iterations|steps|turns|tool calls|rounds)\b|stopped (after|due to)[^.\n]{0,30}(iterations?|steps?|turns?)', 'i')
