-- population: SELECT trace_id FROM traces WHERE llm_calls > 0
WITH {{instructions}},
marked AS (
  SELECT trace_id, span_id, content,
         regexp_match(left(content, 20000), '(\{\{\s*[a-zA-Z_][\w.]*\s*\}\}|\{%[^%]{1,60}%\}|\$\{[a-zA-Z_][\w.]*\}|\{[a-z]+(?:_[a-z]+)+\}|\[object Object\]|<(?:YOUR|INSERT|TODO)[A-Z_ ]*>|%\([a-z_]+\)s|\b(?i:name|user|customer|tenant|plan|tier|account|language|locale|company|region|date|role)\s*(?:is|:)\s*(?:None|null|undefined|NaN)\b)')[1] AS mark
  FROM instructions
)
SELECT trace_id, span_id, substr(content, greatest(strpos(content, mark) - 100, 1), 240) AS quote
FROM marked
WHERE mark IS NOT NULL
  -- What is shown as code is meant to be read as it stands.
  AND strpos(content, concat('`', mark)) = 0
