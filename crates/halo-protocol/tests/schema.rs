//! The published schema is that of the types.

use serde_json::Value;

#[test]
fn the_published_schema_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/report.schema.json");
    let published: Value =
        std::fs::read_to_string(path).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    assert!(
        published == halo_protocol::report_schema(),
        "docs/report.schema.json is stale; renew it with\n  \
         cargo run -p halo-protocol --example schema > docs/report.schema.json"
    );
}

#[test]
fn every_field_is_described() {
    let schema = halo_protocol::report_schema();
    let types: Vec<_> =
        schema["$defs"].as_object().into_iter().flatten().map(|(name, of)| (name.as_str(), of)).collect();
    assert!(types.len() > 15, "{types:?}");
    for (name, of) in types.into_iter().chain([("Report", &schema)]) {
        assert!(of["description"].is_string(), "{name} has no description");
        for (field, schema) in of["properties"].as_object().into_iter().flatten() {
            assert!(
                schema["description"].is_string() || schema["$ref"].is_string(),
                "{name}.{field} has no description"
            );
        }
    }
}
