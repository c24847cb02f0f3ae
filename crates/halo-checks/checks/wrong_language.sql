-- population: SELECT trace_id FROM traces WHERE first_input IS NOT NULL AND final_output IS NOT NULL
WITH texts AS (
  SELECT trace_id, left(first_input, 1500) AS asked, left(final_output, 1500) AS said, final_output
  FROM traces WHERE length(first_input) >= 12 AND length(final_output) >= 16
),
questions AS (
  -- Small words tell the language. Most are asked in English, and what those were answered need not be counted.
  SELECT trace_id, said, final_output, asked_german, asked_spanish, asked_french, asked_other, regexp_count(asked, {{english}}, 1, 'i') AS asked_english
  FROM (SELECT trace_id, asked, said, final_output, regexp_count(asked, {{german}}, 1, 'i') AS asked_german,
               regexp_count(asked, {{spanish}}, 1, 'i') AS asked_spanish, regexp_count(asked, {{french}}, 1, 'i') AS asked_french,
               regexp_count(asked, '[\p{Cyrillic}\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Arabic}\p{Hebrew}\p{Greek}\p{Thai}\p{Devanagari}]') AS asked_other
        FROM texts) AS asked_in
  WHERE asked_german >= 2 OR asked_spanish >= 2 OR asked_french >= 2 OR asked_other >= 8
),
counted AS (
  SELECT *, regexp_count(said, {{english}}, 1, 'i') AS said_english, regexp_count(said, '\w+') AS said_words,
         regexp_count(said, {{german}}, 1, 'i') AS said_german, regexp_count(said, {{spanish}}, 1, 'i') AS said_spanish,
         regexp_count(said, {{french}}, 1, 'i') AS said_french,
         regexp_count(said, '[\p{Cyrillic}\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Arabic}\p{Hebrew}\p{Greek}\p{Thai}\p{Devanagari}]') AS said_other
  FROM questions
),
wrong AS (
  -- Asked in one language and answered in English.
  SELECT trace_id, final_output FROM counted
  WHERE said_english >= 2 AND said_english * 5 >= said_words
    AND ((asked_german >= 2 AND asked_german > 2 * asked_english AND said_german * 4 <= said_english)
         OR (asked_spanish >= 2 AND asked_spanish > 2 * asked_english AND said_spanish * 4 <= said_english)
         OR (asked_french >= 2 AND asked_french > 2 * asked_english AND said_french * 4 <= said_english)
         OR (asked_other >= 8 AND asked_english <= 2 AND said_other = 0))
)
SELECT w.trace_id, s.span_id, left(s.output, 240) AS quote
FROM wrong AS w JOIN spans AS s ON s.trace_id = w.trace_id AND s.output = w.final_output
WHERE s.span_type <> 'TOOL'
