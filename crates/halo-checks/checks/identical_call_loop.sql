-- population: SELECT trace_id FROM traces WHERE tool_calls > 0
WITH steps AS (
  SELECT trace_id, span_id, step, span_type, coalesce(tool_name, name) AS tool, input, output, coalesce(tool_call_id, span_id) AS request,
         CAST(start_time AS BIGINT) / 1e9 AS started,
         lag(CAST(end_time AS BIGINT) / 1e9) OVER (PARTITION BY trace_id ORDER BY step) AS before_ended
  FROM spans WHERE span_type IN ('TOOL', 'LLM')
),
calls AS (
  SELECT trace_id, span_id, step, tool, input, output, request, started, started - before_ended AS idle_seconds,
         CASE WHEN tool = lag(tool) OVER w AND input = lag(input) OVER w THEN 0 ELSE 1 END AS is_new
  FROM steps WHERE span_type = 'TOOL'
  WINDOW w AS (PARTITION BY trace_id ORDER BY step)
),
numbered AS (
  SELECT *, sum(is_new) OVER (PARTITION BY trace_id ORDER BY step ROWS UNBOUNDED PRECEDING) AS run FROM calls
),
runs AS (
  -- A run is a stretch of calls of one tool with the same arguments. One result in all of them: nothing was learnt.
  SELECT trace_id, run, max(tool) AS tool, first_value(span_id ORDER BY step DESC) AS span_id, max(output) AS output, max(input) AS input,
         max(idle_seconds) AS idle_seconds, (max(started) - min(started)) / (count(*) - 1) AS pace_seconds
  FROM numbered
  GROUP BY trace_id, run
  -- Several executions of one request are retries by the harness: the agent asked once.
  HAVING count(DISTINCT request) >= 3 AND count(output) = count(*) AND min(output) = max(output)
)
SELECT trace_id, span_id, coalesce(nullif(left(output, 240), ''), left(input, 240)) AS quote
FROM runs
-- Waiting for something to finish is no loop: somebody paused between the calls, or they are paced and the result says that it goes on.
WHERE coalesce(idle_seconds < 3, true)
  AND NOT (pace_seconds >= 5 AND regexp_like(left(output, 400), 'pending|running|queued|in[ _]progress|processing|scheduled|waiting|not ready|building', 'i'))
  -- The same failing call within a second is a retry, which retry_without_backoff counts.
  AND NOT (pace_seconds < 1 AND result_failure(output) IS NOT NULL)
