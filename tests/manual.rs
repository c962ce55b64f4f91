//! That the manual names what there is: every option, every error, every page.

use std::{collections::BTreeSet, fs, path::Path};

const MANUAL: &str = include_str!("../bulk-sync/src/lib.rs");
const PAGES: &str = include_str!("../bulk-sync/src/manual.rs");

/// The words that follow these in a line, up to the first character of none.
fn words_after<'s>(source: &'s str, before: &str) -> BTreeSet<&'s str> {
    let rest = source.lines().filter_map(|line| line.trim_start().strip_prefix(before));
    let words =
        rest.filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next());
    words.filter(|word| !word.is_empty()).collect()
}

fn between<'s>(source: &'s str, from: &str, to: &str) -> &'s str {
    let (_, rest) = source.split_once(from).expect(from);
    rest.split_once(to).expect(to).0
}

#[test]
fn every_method_of_a_call_is_in_the_manual() {
    let source = include_str!("../bulk-sync/src/sync.rs");
    let mut methods = words_after(source, "pub fn ");
    methods.extend(words_after(source, "pub async fn "));
    assert!(methods.len() > 20 && methods.contains("on_progress"), "{methods:?}");
    let links = words_after(MANUAL, "//! [`").into_iter().collect::<BTreeSet<_>>();
    let task_table = between(MANUAL, "# I want to …", "[`bulk_sync`]:");
    for method in methods {
        assert!(links.contains(method), "no link to {method}");
        assert!(task_table.contains(&format!("[`{method}`]")), "{method} is not a task's");
    }
}

#[test]
fn every_error_is_in_the_manual() {
    let source = include_str!("../bulk-sync/src/error.rs");
    let variants = between(source, "pub enum SyncError {", "\n}\n");
    let is_variant =
        |line: &&str| line.starts_with("    ") && line[4..].starts_with(char::is_uppercase);
    let names = variants.lines().filter(is_variant);
    let names = names.filter_map(|line| line.trim_start().split([' ', '(', ',']).next());
    let names: Vec<&str> = names.collect();
    assert!(names.len() > 10, "{names:?}");
    let table = between(MANUAL, "//! | [`SyncError`] |", "//!\n");
    for name in names {
        assert!(table.contains(&format!("(SyncError::{name})")), "{name} is not in the manual");
    }
}

#[test]
fn every_page_is_in_the_manual_and_its_links_lead_to_pages() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let mut pages = 0;
    for entry in fs::read_dir(&folder).expect("the folder of the pages") {
        let name = entry.expect("a file").file_name().into_string().expect("a name");
        if !name.ends_with(".md") {
            continue;
        }
        pages += 1;
        assert!(PAGES.contains(&format!("\"{name}\"")), "{name} is not included");
        let text = fs::read_to_string(folder.join(&name)).expect("the page");
        assert!(!text.contains("](../"), "{name} has a link that leads nowhere in rustdoc");
        assert!(!text.contains(".md)"), "{name} has a link without a label");
        for line in text.lines().filter(|line| line.starts_with('[')) {
            let Some((label, target)) = line.split_once("]: ") else { continue };
            assert!(folder.join(target).exists(), "{name}: {line}");
            // rustdoc takes its own definition of the label
            assert!(PAGES.contains(&format!("\"{label}]: ")), "{name}: {label} has no module");
        }
    }
    assert!(pages >= 10, "{pages}");
}

#[test]
fn the_lines_for_arrow_are_those_of_the_example() {
    let page = include_str!("../docs/input.md");
    let example = include_str!("../examples/import_arrow.rs");
    let lines: Vec<&str> = page.lines().filter(|line| line.contains("from_arrow(&")).collect();
    assert_eq!(lines.len(), 1);
    assert!(example.contains(lines[0]), "{lines:?}");
}
