//! Validators on their own; in place they are tested with the examples of the rules.

use super::*;

fn holds(validator: Validator, value: &str) -> bool {
    let site = Site { text: value, key_start: 0, is_quoted: true };
    validator.check(site, 0..value.len()) == Some(0..value.len())
}

#[track_caller]
fn check(validator: Validator, yes: &[&str], no: &[&str]) {
    for value in yes {
        assert!(holds(validator, value), "{value}");
    }
    for value in no {
        assert!(!holds(validator, value), "{value}");
    }
}

#[test]
fn check_digits() {
    check(
        Validator::Luhn,
        &["4111111111111111", "4111 1111 1111 1111", "378282246310005", "6011111111111117", "5555555555554444"],
        &["4111111111111112", "1111111111111117", "0000000000000000", "411111111111111", ""],
    );
    check(
        Validator::Iban,
        &["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "NO9386011117947"],
        &["DE89370400440532013001", "ZZ89370400440532013000", "DE8937040044053201300", ""],
    );
}

#[test]
fn values_that_only_stand_for_one() {
    let no = [
        "",
        "****",
        "xxxx",
        "${PASSWORD}",
        "{{ password }}",
        "<password>",
        "null",
        "None",
        "string",
        "your-password-here",
        "[…]…",
        "sk-...",
        "abc***",
    ];
    check(Validator::Password, &["hunter2", "correct horse battery", "changeme", "p\\\"w1", "пароль"], &no[..9]);
    check(
        Validator::Credential,
        &["0a1b2c3d4e5f", "550e8400-e29b-41d4-a716-446655440000", "AbC/d+E1f2=="],
        &[&no[..], &["Hello", "hello world 12", "2024-05-01T10:00:00Z", "aaaaaaaa1", "/etc/key1.pem", "a1"]].concat(),
    );
}

#[test]
fn pairs_in_base64() {
    check(Validator::Basic, &["dXNlcjpwYXNz", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="], &["functionality", "", "OjE"]);
}

#[test]
fn hosts() {
    check(Validator::Ip, &["8.8.8.8", "2001:db8::1"], &["127.0.0.1", "::1", "1.2.3.400", "12:30:45", "0.0.0.0"]);
}
