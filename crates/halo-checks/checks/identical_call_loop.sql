-- population: SELECT trace_id FROM traces WHERE tool_calls > 0
WITH {{repeating}},
steps AS (
  SELECT trace_id, step, end_time, true AS is_call FROM calls WHERE trace_id IN (SELECT trace_id FROM repeating)
  UNION ALL
  SELECT trace_id, step, end_time, false FROM spans WHERE span_type = 'LLM' AND trace_id IN (SELECT trace_id FROM repeating)
),
waits AS (
  SELECT trace_id, step, is_call, lag(CAST(end_time AS BIGINT) / 1e9) OVER (PARTITION BY trace_id ORDER BY step) AS before_ended FROM steps
),
compared AS (
  SELECT trace_id, span_id, step, asked, got, request, failed, CAST(start_time AS BIGINT) / 1e9 AS started,
         CASE WHEN tool = lag(tool) OVER w AND asked = lag(asked) OVER w THEN 0 ELSE 1 END AS is_new
  FROM calls
  WHERE trace_id IN (SELECT trace_id FROM repeating)
  WINDOW w AS (PARTITION BY trace_id ORDER BY step)
),
numbered AS (
  SELECT *, sum(is_new) OVER (PARTITION BY trace_id ORDER BY step ROWS UNBOUNDED PRECEDING) AS run FROM compared
),
sized AS (
  SELECT *, count(*) OVER (PARTITION BY trace_id, run) AS size FROM numbered
),
runs AS (
  -- A run is a stretch of calls of one tool with the same arguments. One result in all of them: nothing was learnt.
  SELECT n.trace_id, n.run, max(n.step) AS step, bool_and(n.failed) AS failed,
         max(n.started - w.before_ended) AS idle_seconds, (max(n.started) - min(n.started)) / (count(*) - 1) AS pace_seconds
  FROM sized AS n JOIN waits AS w ON w.trace_id = n.trace_id AND w.step = n.step AND w.is_call
  WHERE n.size >= 3
  GROUP BY n.trace_id, n.run
  -- Several executions of one request are retries by the harness: the agent asked once.
  HAVING count(DISTINCT n.request) >= 3 AND count(n.got) = count(*) AND min(n.got) = max(n.got)
)
SELECT r.trace_id, c.span_id, coalesce(nullif(left(c.said, 240), ''), c.asked_head) AS quote
FROM runs AS r JOIN calls AS c ON c.trace_id = r.trace_id AND c.step = r.step
-- Waiting for something to finish is no loop: somebody paused between the calls, or they are paced and the result says that it goes on.
WHERE coalesce(r.idle_seconds < 3, true)
  AND NOT (r.pace_seconds >= 5 AND regexp_like(left(c.said, 400), 'pending|running|queued|in[ _]progress|processing|scheduled|waiting|not ready|building', 'i'))
  -- The same failing call within a second is a retry, which retry_without_backoff counts.
  AND NOT (r.pace_seconds < 1 AND r.failed)
