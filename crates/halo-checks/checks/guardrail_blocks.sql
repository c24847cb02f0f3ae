-- population: SELECT trace_id FROM traces
SELECT trace_id, span_id, left(coalesce(nullif(status_message, ''), nullif(output, ''), name), 240) AS quote
FROM spans
WHERE span_type = 'GUARDRAIL'
  AND (status = 'ERROR'
       OR regexp_like(left(output, 600), '"?(blocked|flagged|triggered|tripwire\w*|violation|denied|rejected)"?\s*[:=]\s*"?(true|yes|1)\b|"?(action|decision|verdict|result|status)"?\s*[:=]\s*"?(block|deny|denied|reject|refuse|flag)|"?(allowed|passed|safe|valid)"?\s*[:=]\s*"?(false|no|0)\b|^[^\w{\[]*(blocked|denied|rejected|flagged|refused|unsafe)\b\s*([^\s:=]|$)', 'i'))
UNION ALL
SELECT trace_id, span_id, left(coalesce(nullif(output, ''), nullif(status_message, ''), finish_reason), 240) AS quote
FROM spans
WHERE span_type <> 'TOOL' AND span_type <> 'GUARDRAIL'
  AND (regexp_like(finish_reason, 'content_?filter|safety|blocked|guardrail|recitation|prohibited', 'i')
       OR regexp_like(status_message, 'content[ _]?(filter|policy|management)|guardrail|safety (system|filter)|blocked by', 'i')
       OR (octet_length(output) < 500
           AND regexp_like(output, '\b(blocked|stopped|rejected|withheld|intercepted|flagged) (by|due to|because of) (our |the |a |an )?[^.\n]{0,30}(guardrail|safety|policy|moderation|filter|compliance)|content (filter|policy|moderation)|guardrails? (was |has been )?(trip|trigger|block|violat|reject|stop|hit|fail)', 'i')))
