-- population: SELECT trace_id FROM traces WHERE first_input IS NOT NULL AND final_output IS NOT NULL
WITH texts AS (
  SELECT trace_id, left(first_input, 1500) AS asked, left(final_output, 1500) AS said, final_output
  FROM traces WHERE first_input IS NOT NULL AND length(final_output) >= 40
),
counted AS (
  SELECT trace_id, final_output,
         regexp_count(asked, '\b(the|and|is|my|to|of|for|with|please|this|you|was|have)\b', 1, 'i') AS asked_english,
         regexp_count(said, '\b(the|and|is|your|to|of|for|with|please|this|you|was|have)\b', 1, 'i') AS said_english,
         regexp_count(asked, {{german}}, 1, 'i') AS asked_german, regexp_count(said, {{german}}, 1, 'i') AS said_german,
         regexp_count(asked, {{spanish}}, 1, 'i') AS asked_spanish, regexp_count(said, {{spanish}}, 1, 'i') AS said_spanish,
         regexp_count(asked, {{french}}, 1, 'i') AS asked_french, regexp_count(said, {{french}}, 1, 'i') AS said_french,
         regexp_count(asked, '[\p{Cyrillic}\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Arabic}\p{Hebrew}\p{Greek}\p{Thai}\p{Devanagari}]') AS asked_other,
         regexp_count(said, '[\p{Cyrillic}\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Arabic}\p{Hebrew}\p{Greek}\p{Thai}\p{Devanagari}]') AS said_other
  FROM texts
),
wrong AS (
  SELECT trace_id, final_output FROM counted
  WHERE said_english >= 5
    AND ((asked_german >= 3 AND asked_german > 2 * asked_english AND said_german = 0)
         OR (asked_spanish >= 3 AND asked_spanish > 2 * asked_english AND said_spanish = 0)
         OR (asked_french >= 3 AND asked_french > 2 * asked_english AND said_french = 0)
         OR (asked_other >= 8 AND asked_english <= 2 AND said_other = 0))
)
SELECT w.trace_id, s.span_id, left(s.output, 240) AS quote
FROM wrong AS w JOIN spans AS s ON s.trace_id = w.trace_id AND s.output = w.final_output
WHERE s.span_type <> 'TOOL'
