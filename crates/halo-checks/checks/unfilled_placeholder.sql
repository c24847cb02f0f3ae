-- population: SELECT trace_id FROM traces WHERE llm_calls > 0 OR tool_calls > 0
WITH arguments AS (
  SELECT trace_id, span_id, input,
         regexp_match(input, '"\s*(\{\{[^{}"]{1,40}\}\}|\{[a-z]+(?:_[a-z]+)*\}|\$\{[^{}"]{1,40}\}|<[A-Za-z]+(?:[ _-][A-Za-z]+)*>|undefined|\[object Object\]|(?:YOUR|INSERT)_[A-Z_]+|[A-Z]+(?:_[A-Z]+)*_HERE)\s*"')[1] AS mark
  FROM spans WHERE span_type = 'TOOL' AND octet_length(input) < 4000
)
SELECT trace_id, span_id, substr(input, greatest(strpos(input, mark) - 80, 1), 240) AS quote
FROM arguments WHERE mark IS NOT NULL
UNION ALL
SELECT trace_id, span_id, substr(said, greatest(strpos(said, mark) - 80, 1), 240) AS quote
FROM (SELECT trace_id, span_id, left(output, 4000) AS said,
             regexp_match(left(output, 4000), '(\{\{\s*\w[\w.]*\s*\}\}|\$\{\w[\w.]*\}|\{[a-z]+(?:_[a-z]+)+\}|\[object Object\]|\[(?:[Yy]our|[Aa]gent|[Cc]ompany|[Cc]ustomer|[Uu]ser|[Ii]nsert) ?(?:[Nn]ame|[Ee]mail|[Ii][Dd]|[Pp]hone|[Aa]ddress|[Hh]ere)[^\]]{0,20}\]|\b(?:Dear|Hello|Hi) (?:undefined|None|null)\b)')[1] AS mark
      FROM spans WHERE span_type = 'LLM' AND requested_tool_calls IS NULL AND strpos(output, '```') = 0) AS replies
WHERE mark IS NOT NULL
  -- Not where that is what the run is about.
  AND NOT regexp_like(said, 'template|placeholder|braces|insert |write it like|replaces? it|variable', 'i')
  AND trace_id NOT IN (SELECT trace_id FROM traces WHERE regexp_like(first_input, '\{\{|\$\{|placeholder|template|variable|mustache|handlebars|jinja|salutation|merge field|mail merge|curly|braces|platzhalter|vorlage|plantilla|marcador|modèle', 'i'))
