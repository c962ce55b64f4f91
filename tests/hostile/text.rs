//! Text and bytes.

use bulk_sync_tests::entity::typed::{Code, Size};
use sea_orm::{
    DbBackend,
    prelude::{TextUuid, Uuid},
};

use crate::column::{Column, Place, columns};

columns! {
    string: Column::new(["a", "b"].map(String::from), texts())
        .near(|left, right| near_text(left, right))
        .step(|value, _| Some(next_text(value)))
        .declared(strings_in);
    short_string: Column::new(["a", "b"].map(String::from), short_texts())
        .near(|left, right| near_text(left, right))
        .step(|value, _| Some(next_text(value)));
    fixed_string: Column::new(["aaa", "bbb"].map(String::from), short_texts())
        .near(|left, right| near_text(left, right))
        .step(|value, _| Some(next_text(value)))
        .declared(codes_in);
    text: Column::new(["a", "b"].map(String::from), texts())
        .near(|left, right| near_text(left, right))
        .step(|value, _| Some(next_text(value)))
        .declared(texts_in);
    bytes: Column::new([vec![1], vec![2]], blobs()).step(next_bytes).declared(blobs_in);
    newtype: Column::new([Code("a".into()), Code("b".into())], codes())
        .near(near_code)
        .step(|value, _| Some(Code(next_text(&value.0))));
    text_enum: Column::new([Size::Small, Size::Big], [Size::Big, Size::Empty]);
    uuid: Column::new([1, 2].map(Uuid::from_u128), uuids())
        .step(|value, _| Some(Uuid::from_u128(value.as_u128() ^ 1)))
        .declared(uuids_in);
    text_uuid: Column::new(
        [1, 2].map(|number| TextUuid(Uuid::from_u128(number))),
        uuids().into_iter().map(TextUuid).collect::<Vec<_>>(),
    )
    .not_null("SeaORM does not decode `Option<TextUuid>` from NULL");
}

/// The same letters, and one of them in the other case; or the last one replaced.
fn next_text(value: &str) -> String {
    let mut text = value.to_owned();
    if let Some(at) = text.find(|c: char| c.is_ascii_alphabetic()) {
        let letter = &value[at..=at];
        let other = if letter.chars().all(|c| c.is_ascii_lowercase()) {
            letter.to_ascii_uppercase()
        } else {
            letter.to_ascii_lowercase()
        };
        text.replace_range(at..=at, &other);
    } else {
        text.pop();
        text.push('z');
    }
    text
}

#[allow(clippy::ptr_arg, reason = "the type of the column is Vec<u8>")]
fn next_bytes(value: &Vec<u8>, _: Place) -> Option<Vec<u8>> {
    let mut bytes = value.clone();
    *bytes.last_mut()? ^= 1;
    Some(bytes)
}

fn strings_in(backend: DbBackend) -> &'static [&'static str] {
    match backend {
        DbBackend::Postgres => &["citext", "text COLLATE without_case"],
        _ => &[],
    }
}

fn codes_in(backend: DbBackend) -> &'static [&'static str] {
    match backend {
        DbBackend::Postgres => &["code"],
        _ => &[],
    }
}

fn texts_in(backend: DbBackend) -> &'static [&'static str] {
    match backend {
        DbBackend::MySql => &["longtext", "tinytext", "varchar(300) collate utf8mb4_bin"],
        DbBackend::Sqlite => &["text collate nocase", "text collate rtrim"],
        _ => &[],
    }
}

fn blobs_in(backend: DbBackend) -> &'static [&'static str] {
    match backend {
        DbBackend::MySql => &["longblob", "tinyblob"],
        DbBackend::Sqlite => &["text"],
        _ => &[],
    }
}

fn uuids_in(backend: DbBackend) -> &'static [&'static str] {
    match backend {
        DbBackend::Sqlite => &["blob"],
        _ => &[],
    }
}

pub fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "a ",
        " a",
        "A",
        "á",
        "a\u{301}",
        "it's",
        "\"",
        "''; DROP TABLE typed; --",
        "\\",
        "\\'",
        "%",
        "_",
        "?",
        "$1",
        ":a",
        "\0",
        "a\0b",
        "\u{1}\u{7f}\t\r\n",
        "👩‍👩‍👧‍👦",
        "\u{ffff}",
        "\u{10ffff}",
        "\u{feff}a",
        "\u{202e}a",
        "ﬃ",
        "ß",
        "NULL",
        "1",
        "1e3",
        "01",
        "9223372036854775808",
        "{1,2}",
    ]
    .map(String::from)
    .into();
    texts.push("x".repeat(255));
    texts.push("x".repeat(256));
    // around the lengths at which MySQL and MariaDB change the type of a text
    texts.push("x".repeat(16_384));
    texts.push("👩".repeat(16_384));
    texts.push("x".repeat(65_536 + 5));
    texts.push("é".repeat(1 << 19));
    texts
}

fn short_texts() -> Vec<String> {
    ["", " ", "a", "a  ", "abc", "abcd", "abc ", "äöü", "👩‍👩‍👧‍👦", "👩👩👩", "\0", "'''"]
        .map(String::from)
        .into()
}

fn codes() -> Vec<Code> {
    texts().into_iter().map(Code).collect()
}

fn blobs() -> Vec<Vec<u8>> {
    vec![
        vec![],
        vec![0],
        vec![0xff, 0xfe, 0x00, 0x27, 0x5c],
        b"text".to_vec(),
        (0..=255).collect(),
        vec![0x80; 65_536 + 5],
        vec![0x80; 1 << 20],
    ]
}

pub fn uuids() -> Vec<Uuid> {
    vec![Uuid::nil(), Uuid::max(), Uuid::from_u128(0x2727_5c5c_0000_2525_0a0d_0000_0000_0000)]
}

/// Equal but for blanks at the end, which a column may add or drop.
pub fn near_text(left: &str, right: &str) -> bool {
    left.trim_end_matches(' ') == right.trim_end_matches(' ')
}

fn near_code(left: &Code, right: &Code) -> bool {
    near_text(&left.0, &right.0)
}
