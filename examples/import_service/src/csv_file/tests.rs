//! What a file may look like, without a service around it.

use super::*;

const HEADER: &str = "external_id,name,email,department,salary,hired_on\n";

fn employees(text: impl AsRef<[u8]>) -> Vec<employee::Model> {
    read(text.as_ref(), 7, |_| ()).unwrap()
}

/// The faults as `line: reason`.
fn faults(text: impl AsRef<[u8]>) -> Vec<String> {
    match read(text.as_ref(), 7, |_| ()) {
        Err(ReadError::Faulty(faults)) => {
            faults.listed.iter().map(|fault| format!("{}: {}", fault.line, fault.reason)).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// A line that is right.
fn line(id: &str) -> String {
    format!("{id},Ann,,Fleet,1,2020-01-01\n")
}

#[test]
fn columns_stand_in_any_order_and_cells_may_have_blanks_around_them() {
    let text =
        "Hired_On,salary,department,email,name,external_id\n2020-02-29, 4200.50 ,Fleet,,Ann,A1";
    let expected = employee::Model {
        id: 0,
        company_id: 7,
        external_id: "A1".into(),
        name: "Ann".into(),
        email: None,
        department: "Fleet".into(),
        salary: Decimal::new(420_050, 2),
        hired_on: Date::from_ymd_opt(2020, 2, 29).unwrap(),
    };
    assert_eq!(employees(text), [expected]);
}

#[test]
fn spreadsheets_may_write_a_mark_of_utf_8_and_carriage_returns() {
    let text = format!("\u{feff}{HEADER}{}", line("A1")).replace('\n', "\r\n");
    assert_eq!(employees(text)[0].external_id, "A1");
    let quoted = format!("{HEADER}A1,\"Ann \"\"A\"\" Lee\",,Fleet,1,\"2020-01-01\"\r\n");
    assert_eq!(employees(quoted)[0].name, "Ann \"A\" Lee");
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    let bad = "B2,Bob,,Fleet,x,2020-01-01\n";
    let text =
        format!("{HEADER}\n{}\n\nA2,\"Ann\nLee\",,Fleet,1,2020-01-01\n{bad}\n{bad}", line("A1"));
    let expected =
        |line: u64| format!("{line}: salary “x” is not an amount such as 4200 or 4200.50");
    let twice = format!("{}; external_id “B2” stands in line 8 already", expected(10));
    assert_eq!(faults(&text), [expected(8), twice.clone()]);
    assert_eq!(faults(text.replace('\n', "\r\n")), [expected(8), twice.clone()]);
    assert_eq!(faults(text.trim_end()), [expected(8), twice]);
}

#[test]
fn all_that_is_wrong_with_a_line_is_told() {
    let long = "x".repeat(256);
    let text = format!("{HEADER}{},,{long},F\0,-1,2021-02-29\nA1,Ann\n", "");
    assert_eq!(
        faults(text),
        [
            "2: external_id is empty; name is empty; email is longer than 255 characters; \
             department has a NUL character; salary “-1” is not an amount such as 4200 or \
             4200.50; hired_on “2021-02-29” is not a date such as 2024-05-31",
            "3: 2 instead of 6 cells",
        ]
    );
}

#[test]
fn amounts_that_the_column_would_round_are_refused() {
    for amount in ["1.005", "10000000000", "NaN", "1e3", "1,5"] {
        let text = format!("{HEADER}A1,Ann,,Fleet,\"{amount}\",2020-01-01\n");
        assert_eq!(faults(text).len(), 1, "{amount}");
    }
    let text = format!("{HEADER}A1,Ann,,Fleet,1.5000,2020-01-01\n");
    assert_eq!(employees(text)[0].salary, Decimal::new(15, 1));
}

#[test]
fn a_header_that_is_not_as_it_should_be_is_told_at_once() {
    let text = "external_id,name,name,phone,department,salary,hired_on\n";
    assert_eq!(
        faults(text),
        ["1: the column name is there twice; the column email is missing; there is no column \
          “phone”; the columns are external_id, name, email, department, salary, hired_on"]
    );
    assert!(faults(HEADER.replace(',', ";"))[0].contains("separated by semicolons"));
}

#[test]
fn what_is_not_utf_8_is_told_with_its_line() {
    let mut text = format!("{HEADER}{}A2,J", line("A1")).into_bytes();
    text.extend(b"\xfcrgen,,Fleet,1,2020-01-01\n");
    assert_eq!(
        faults(text),
        ["3: name “J\u{fffd}rgen” is not UTF-8; save the file as CSV in UTF-8"]
    );
    assert!(faults(b"\xff\xfee\0x\0t\0")[0].contains("UTF-16"));
}

#[test]
fn an_empty_file_has_no_header_and_a_header_alone_no_employees() {
    assert!(faults("")[0].starts_with("1: the file is empty"));
    assert!(faults("\r\n\n")[0].starts_with("1: the file is empty"));
    assert!(employees(HEADER).is_empty());
}

#[test]
fn a_file_that_ends_inside_of_quotes_is_refused() {
    let text = format!("{HEADER}{}A2,\"Ann\n{}", line("A1"), line("A3"));
    assert_eq!(
        faults(text),
        ["3: a quote is opened here and never closed; the file may be truncated"]
    );
}

#[test]
fn faults_beyond_the_first_hundred_are_counted() {
    match read(format!("{HEADER}{}", "A1,Ann\n".repeat(250)).as_bytes(), 7, |_| ()) {
        Err(ReadError::Faulty(faults)) => {
            assert_eq!((faults.listed.len(), faults.total), (100, 250));
            assert_eq!(faults.listed[99].line, 101);
        }
        other => panic!("{other:?}"),
    }
}
