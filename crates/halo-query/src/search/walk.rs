//! The texts inside JSON, without building the JSON: strings that hold JSON are opened, holes of what is stored once are named.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// How often a text inside a text is opened. Real traces nest three deep.
const DEPTH_MAX: usize = 8;

/// Takes the texts that stand in JSON.
pub(crate) trait TakeTexts {
    /// A value: a string, or a number or truth value as JSON writes it. `escaped` tells that the JSON around it does not hold it as it is.
    fn text(&mut self, text: &str, escaped: bool);
    /// JSON that is stored as the row's text of this number.
    fn stored_json(&mut self, number: usize);
    /// What was taken so far, to go back to.
    fn mark(&self) -> usize;
    /// Forgets what came after a mark: the text around it was no JSON.
    fn forget(&mut self, mark: usize);
}

/// Whether a text begins like a JSON object or array.
pub(crate) fn is_container(text: &str) -> bool {
    matches!(text.trim_ascii_start().as_bytes().first(), Some(b'{' | b'['))
}

/// Hands on the texts in a JSON text. Of one that is no JSON, nothing, and the answer is false.
pub(crate) fn walk(json: &str, take: &mut impl TakeTexts) -> bool {
    walk_at(json, take, 0)
}

fn walk_at(json: &str, take: &mut impl TakeTexts, depth: usize) -> bool {
    let mark = take.mark();
    let mut parser = serde_json::Deserializer::from_str(json);
    let walked = Value { take, depth }.deserialize(&mut parser).and_then(|()| parser.end());
    if walked.is_err() {
        take.forget(mark);
    }
    walked.is_ok()
}

struct Value<'t, T> {
    take: &'t mut T,
    depth: usize,
}

impl<T: TakeTexts> Value<'_, T> {
    fn again(&mut self) -> Value<'_, T> {
        Value { take: self.take, depth: self.depth }
    }

    fn string(self, text: &str, escaped: bool) {
        self.take.text(text, escaped);
        self.open(text);
    }

    fn open(self, text: &str) {
        if self.depth < DEPTH_MAX && is_container(text) {
            walk_at(text, self.take, self.depth + 1);
        }
    }
}

impl<'de, T: TakeTexts> DeserializeSeed<'de> for Value<'_, T> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: TakeTexts> Visitor<'de> for Value<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.take.text(if value { "true" } else { "false" }, false);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.take.text(&value.to_string(), false);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.take.text(&value.to_string(), false);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.take.text(&serde_json::Value::from(value).to_string(), false);
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.string(text, true);
        Ok(())
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        self.string(text, false);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self.again())?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        while let Some(key) = members.next_key_seed(Key)? {
            match key {
                Member::Plain => members.next_value_seed(self.again())?,
                Member::Reference => {
                    members.next_value::<IgnoredAny>()?;
                }
                Member::Json => {
                    let number = members.next_value()?;
                    self.take.stored_json(number);
                }
                Member::List => {
                    // A string around messages: what is left of it without them is JSON as well.
                    let mut around = String::new();
                    members.next_value_seed(Around(&mut around))?;
                    self.again().open(&around);
                }
            }
        }
        Ok(())
    }
}

/// What a member of an object is, by its key.
enum Member {
    Plain,
    Reference,
    Json,
    List,
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Member;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Member, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Member, E> {
        Ok(match key.strip_prefix(halo_dataset::holes::MARK) {
            None => Member::Plain,
            Some("json") => Member::Json,
            Some("in" | "out" | "list") => Member::List,
            Some(_) => Member::Reference,
        })
    }
}

/// Joins the strings of an array.
struct Around<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for Around<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Around<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the texts around messages")
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut texts = Vec::new();
        while let Some(item) = items.next_element::<serde_json::Value>()? {
            if let serde_json::Value::String(text) = item {
                texts.push(text);
            }
        }
        // Before, between, after: between is nothing without messages.
        if let [before, _, after] = texts.as_slice() {
            self.0.push_str(before);
            self.0.push_str(after);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Taken(Vec<String>);

    impl TakeTexts for Taken {
        fn text(&mut self, text: &str, escaped: bool) {
            self.0.push(format!("{}{text}", if escaped { "e " } else { "" }));
        }
        fn stored_json(&mut self, number: usize) {
            self.0.push(format!("json {number}"));
        }
        fn mark(&self) -> usize {
            self.0.len()
        }
        fn forget(&mut self, mark: usize) {
            self.0.truncate(mark);
        }
    }

    fn taken(json: &str) -> Vec<String> {
        let mut taken = Taken::default();
        walk(json, &mut taken);
        taken.0
    }

    #[test]
    fn texts_are_told_at_every_depth() {
        let nested = r#"{"a":"{\"b\":[\"x \\\"y\\\"\",1.5,null]}","c":"plain","d":"{no json","e":true}"#;
        assert_eq!(
            taken(nested),
            ["e {\"b\":[\"x \\\"y\\\"\",1.5,null]}", "e x \"y\"", "1.5", "plain", "{no json", "true"]
        );
        assert_eq!(taken(r#"{"a":"x","b":"#), [""; 0]);
        assert!(!walk("[1] 2", &mut Taken::default()));
    }

    #[test]
    fn holes_are_no_texts() {
        let stored = r#"{"in":{"halo$in":["{\"model\":\"m \\\"1\\\"\",\"messages\":[",",","],\"user\":\"u\"}"]},"out":{"halo$out":0},"t":{"halo$text":3},"j":{"halo$json":4},"halo$flat:llm.input_messages":"in","more":{"halo$list":[1,2]}}"#;
        assert_eq!(taken(stored), ["e m \"1\"", "u", "json 4"]);
    }
}
