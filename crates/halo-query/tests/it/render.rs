//! The formats of output.

use halo_query::{Format, RenderOptions, render};

use crate::support::Fixture;

async fn rendered(sql: &str, format: Format) -> String {
    let fixture = Fixture::shop().await;
    let result = fixture.query(sql).await.expect(sql);
    let mut out = Vec::new();
    let options = RenderOptions { cell_width_max: 24 };
    render(&result, format, options, &mut out).expect("written");
    String::from_utf8(out).expect("UTF-8")
}

const MIXED: &str = "SELECT * FROM (VALUES
    (1, 'plain', TIMESTAMP '2026-01-05 10:00:00.25', ['a', 'b,c'], 0.5),
    (-20, 'two\nlines, \"quoted\" | <b>', NULL, [], NULL),
    (NULL, '', NULL, NULL, 1e300),
    (3, '日本語のとても長い文字列です', NULL, [NULL], 'Infinity'::double),
    (4, concat('bell', chr(7), ' esc', chr(27), '[2J', chr(8238), 'x'), NULL, ['\"'], 2)
    ) AS t(number, text, time, list, float)";

#[tokio::test]
async fn every_format_shows_every_kind_of_cell() {
    let mut all = String::new();
    for format in Format::ALL {
        // Carriage returns would be lost in the snapshot.
        let text = rendered(MIXED, format).await.replace('\r', "␍");
        all.push_str(&format!("--- {}\n{text}", format.name()));
    }
    insta::assert_snapshot!(all);
}

#[tokio::test]
async fn no_rows_are_still_well_formed() {
    let mut all = String::new();
    for format in Format::ALL {
        let text = rendered("SELECT trace_id, step FROM spans WHERE false", format).await;
        all.push_str(&format!("--- {}\n{}", format.name(), text.replace('\r', "␍")));
    }
    insta::assert_snapshot!(all);
}

#[tokio::test]
async fn json_comes_back_as_it_was() {
    let text = rendered(MIXED, Format::Jsonl).await;
    let rows: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(rows.len(), 5);
    assert_eq!(rows[1]["text"], "two\nlines, \"quoted\" | <b>");
    assert_eq!(rows[4]["text"], "bell\u{7} esc\u{1b}[2J\u{202e}x");
    let array: serde_json::Value = serde_json::from_str(&rendered(MIXED, Format::Json).await).expect("JSON");
    assert_eq!(array, serde_json::Value::Array(rows));
}

#[tokio::test]
async fn a_table_steers_no_terminal() {
    let table = rendered(MIXED, Format::Table).await;
    assert!(!table.contains(|c: char| c.is_control() && c != '\n') && !table.contains('\u{202e}'), "{table}");
}
