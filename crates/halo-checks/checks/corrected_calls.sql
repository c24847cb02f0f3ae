-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type = 'TOOL' AND coalesce(tool_name, name) = {subject}
WITH {{calls}},
attempts AS (
  SELECT c.trace_id, c.span_id, c.step, c.tool, c.failed, c.said, left(s.input, 2000) AS arguments
  FROM calls AS c JOIN spans AS s ON s.trace_id = c.trace_id AND s.span_id = c.span_id
),
placed AS (
  SELECT trace_id, span_id, tool, failed, said, arguments, lead(arguments) OVER w AS next_arguments
  FROM attempts
  WINDOW w AS (PARTITION BY trace_id, tool ORDER BY step)
)
-- Refused, and then called again with other arguments: the model had to find out by trial what the tool wants. The same call again is
-- a retry of something that passes, and no call again is a failure that was taken as it is.
SELECT trace_id, span_id, left(said, 240) AS quote, tool AS subject
FROM placed
WHERE failed AND next_arguments <> arguments AND length(said) > 0
  AND NOT regexp_like(tool, 'python|bash|shell|exec|code|terminal|notebook|sql', 'i')
