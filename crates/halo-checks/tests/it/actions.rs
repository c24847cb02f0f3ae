//! Checks of tool calls against what was asked for: arguments, schemas, tenants, actions.

use serde_json::{Value, json};

use crate::script::{Script, run, tells_apart};

fn of_tenant(script: Script, tenant: &str) -> Script {
    script.root(|span| span.attribute("tenant.id", tenant))
}

#[tokio::test]
async fn data_of_another_tenant() {
    tells_apart(
        "foreign_tenant",
        |id| {
            of_tenant(run(id).calls("list_orders", "{}", r#"[{"id":7,"tenant":"globex"}]"#).says("One order."), "acme")
        },
        &[
            |id| {
                of_tenant(
                    run(id).calls("list_orders", "{}", r#"[{"id":7,"tenant":"Acme"}]"#).says("One order."),
                    "acme",
                )
            },
            |id| {
                of_tenant(run(id).calls("list_orders", "{}", r#"[{"id":8,"tenant":"globex"}]"#).says("One."), "globex")
            },
            // A company that is no tenant here.
            |id| {
                of_tenant(
                    run(id).calls("get_order", "{}", r#"{"id":7,"company":"Initech"}"#).says("One order."),
                    "acme",
                )
            },
            // Whose run it is, is not known.
            |id| run(id).calls("list_orders", "{}", r#"[{"id":8,"tenant":"globex"}]"#).says("One order."),
        ],
        20,
    )
    .await;
}

/// The model asks for a tool with these arguments, and it runs with those.
fn arrives(script: Script, tool: &str, asked: Value, executed: &str) -> Script {
    script.asks(tool, asked).tool(tool, executed, "ok").with(|span| span.answers("call_1"))
}

#[tokio::test]
async fn arguments_that_do_not_arrive() {
    let title = tells_apart(
        "arguments_lost",
        |id| arrives(run(id), "find", json!({"name": "Zoë", "city": "Paris"}), r#"{"city":"Paris"}"#).says("None."),
        &[
            |id| arrives(run(id), "find", json!({"name": "Ann", "city": "Paris"}), r#"{"name":"Ann","city":"Paris"}"#),
            // In another order, and with what the harness adds.
            |id| {
                let executed = r#"{ "user": 7, "city": "Paris", "name": "Zo\u00eb" }"#;
                arrives(run(id), "find", json!({"name": "Zoë", "city": "Paris"}), executed)
            },
            // The harness fills in all of them.
            |id| arrives(run(id), "profile", json!({"user": "the caller"}), r#"{"session":"4f3a"}"#),
        ],
        16,
    )
    .await;
    assert_eq!(title, "Arguments of `find` are lost or changed before it runs");
    tells_apart(
        "arguments_lost",
        |id| arrives(run(id), "find", json!({"name": "Zoë"}), r#"{"name":"Zo?"}"#).says("None."),
        &[
            |id| arrives(run(id), "find", json!({"name": "Zoë"}), r#"{"name":"Zoë"}"#).says("One."),
            // Another call of the same tool.
            |id| {
                let script = arrives(run(id), "find", json!({"name": "Ann"}), r#"{"name":"Ann"}"#);
                script.tool("find", r#"{"name":"Bob"}"#, "ok").with(|span| span.answers("call_2")).says("Two.")
            },
        ],
        12,
    )
    .await;
}

/// The model of a service was given a definition of the tool, and asks for it.
fn defined(service: &str, id: &str, parameters: &Value, arguments: Value) -> Script {
    let definitions = json!([{"type": "function", "function": {"name": "refund", "parameters": parameters}}]);
    run(id)
        .asks("refund", arguments)
        .with(|span| span.service(service).offered(&["refund"]).attribute("gen_ai.tool.definitions", definitions))
        .tool("refund", "{}", r#"{"ok":true}"#)
        .says("The amount is on its way.")
}

fn refund_schema() -> Value {
    json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}, "note": {"type": "string"}}})
}

#[tokio::test]
async fn calls_that_break_the_schema() {
    let title = tells_apart(
        "arguments_off_schema",
        |id| defined("shop", id, &refund_schema(), json!({"order_id": "7"})),
        &[
            |id| defined("shop", id, &refund_schema(), json!({"id": 7, "note": "late"})),
            // What is optional may be empty, and a whole number may have a point.
            |id| defined("shop", id, &refund_schema(), json!({"id": 7.0, "note": null})),
            // Another service has another definition.
            |id| {
                let open = json!({"type": "object", "properties": {"order_id": {"type": "string"}}});
                defined("desk", id, &open, json!({"order_id": "7"}))
            },
            // A tool that nobody defined.
            |id| run(id).calls("cancel", r#"{"order":"7"}"#, r#"{"ok":true}"#).says("It is off."),
        ],
        20,
    )
    .await;
    assert_eq!(title, "Calls of `refund` do not fit the schema that the model was given");
}

#[tokio::test]
async fn actions_done_twice() {
    const OK: &str = r#"{"ok":true}"#;
    const ORDER: &str = r#"{"order_id":4711}"#;
    tells_apart(
        "action_done_twice",
        |id| run(id).calls("refund_order", ORDER, OK).calls("refund_order", ORDER, OK).says("Refunded."),
        &[
            // The first attempt failed.
            |id| {
                run(id)
                    .calls("refund_order", ORDER, r#"{"ok":false,"error":"busy"}"#)
                    .calls("refund_order", ORDER, OK)
                    .says("Refunded.")
            },
            |id| {
                run(id)
                    .calls("refund_order", ORDER, OK)
                    .calls("refund_order", r#"{"order_id":4712}"#, OK)
                    .says("Both are refunded.")
            },
            // Looking twice changes nothing.
            |id| run(id).calls("get_refund", ORDER, OK).calls("get_refund", ORDER, OK).says("It is refunded."),
            |id| run(id).calls("cancel_preview", ORDER, OK).calls("cancel_order", ORDER, OK).says("Cancelled."),
        ],
        20,
    )
    .await;
}
