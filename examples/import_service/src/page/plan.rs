//! A plan: the counts, what stops it, and the rows.

use bulk_sync::{Change, SyncResult, UpdatedRow};
use maud::{Markup, html};
use sea_orm::{TryIntoModel, Value};

use super::{PAGE, Page, existing, number, page, pager, scrolling, token_field};
use crate::{
    csrf::CsrfToken,
    csv_file::COLUMNS,
    entity::employee,
    upload::{Planned, Upload},
};

const LABELS: [&str; COLUMNS.len()] =
    ["Number", "Name", "Email", "Department", "Salary", "Hired on"];

/// What would change, and the button that makes it so.
pub fn plan(upload: &Upload, planned: &Planned, number: usize, token: &CsrfToken) -> Page {
    let address = format!("/companies/{}/uploads/{}", upload.company_id, upload.id);
    let number = existing(number, row_count(planned));
    let content = html! {
        p { "What " strong { (upload.file_name) } " would change." }
        @if planned.is_stale { (stale_notice()) }
        (counts(planned))
        (decision(planned, &address, token))
        (rows(planned, number))
        (pager(&address, number, row_count(planned)))
    };
    let title = format!("Plan for {}", planned.company.name);
    let company = format!("/companies/{}", upload.company_id);
    page(&title, &[(&planned.company.name, company)], false, &content)
}

fn stale_notice() -> Markup {
    html! {
        div class="card warn" role="alert" {
            p {
                strong { "The plan that you confirmed is out of date. " }
                "The employees have changed since it was made, so nothing was written. "
                "Below is the new plan."
            }
        }
    }
}

fn counts(planned: &Planned) -> Markup {
    let counts = &planned.summary;
    let all = [
        ("created", "+", "Created", counts.created),
        ("changed", "~", "Changed", counts.updated),
        ("removed", "−", "Removed", counts.deleted),
        ("kept", "=", "Unchanged", counts.unchanged),
    ];
    html! {
        dl class="counts" {
            @for (class, sign, label, count) in all {
                div class=(class) {
                    dt { span aria-hidden="true" { (sign) } " " (label) }
                    dd { (number(count)) }
                }
            }
        }
    }
}

/// The button, or why there is none.
fn decision(planned: &Planned, address: &str, token: &CsrfToken) -> Markup {
    if let Some(refusal) = &planned.refusal {
        return html! {
            div class="card bad" role="alert" {
                h2 { "A guard stops this import" }
                p { (refusal.explanation()) }
            }
        };
    }
    if planned.plan.is_empty() {
        return html! {
            div class="card good" { p { strong { "Nothing to do: " } "the employees are those of the file." } }
        };
    }
    html! {
        form class="card" method="post" action={ (address) "/apply" } {
            (token_field(token))
            input type="hidden" name="fingerprint" value=(planned.fingerprint);
            p { (guards(planned)) " Just these changes are made, all of them or none." }
            button { "Apply to " (planned.company.name) }
            p class="help" { "Fingerprint of the plan: " code { (planned.fingerprint) } }
        }
    }
}

/// What the guards looked at.
fn guards(planned: &Planned) -> Markup {
    let SyncResult { updated, deleted, unchanged, .. } = planned.summary;
    // 0.29 is a little less than that, and 12.5 % a share, too
    let limit = (planned.max_delete_share * 1000.0).round() / 10.0;
    html! {
        "The guards let it through: the file has employees, and it removes " (number(deleted))
        " of " (number(updated + deleted + unchanged)) ", where " (limit) " % are allowed."
    }
}

fn row_count(planned: &Planned) -> usize {
    let counts = &planned.summary;
    usize::try_from(counts.created + counts.updated + counts.deleted).unwrap_or(usize::MAX)
}

/// The rows of one page: the changed ones come first, then the removed, then the
/// created ones.
fn rows(planned: &Planned, page: usize) -> Markup {
    let start = (page - 1) * PAGE;
    let counts = &planned.summary;
    let [updated, deleted] =
        [counts.updated, counts.deleted].map(|rows| usize::try_from(rows).unwrap_or(usize::MAX));
    let changed = planned.plan.updated().zip(&planned.changed);
    let changed: Vec<_> = changed.skip(start).take(PAGE).collect();
    let skipped = start.saturating_sub(updated);
    let room = PAGE - changed.len();
    let removed: Vec<_> = planned.plan.deleted().skip(skipped).take(room).cloned().collect();
    let skipped = skipped.saturating_sub(deleted);
    let created: Vec<_> = planned.plan.created().skip(skipped).take(room - removed.len()).collect();
    html! {
        @if !changed.is_empty() { (changed_rows(&changed)) }
        @if !removed.is_empty() { (whole_rows("Removed", "removed", "−", removed)) }
        @if !created.is_empty() { (whole_rows("Created", "created", "+", created)) }
    }
}

fn whole_rows(title: &str, class: &str, sign: &str, rows: Vec<employee::ActiveModel>) -> Markup {
    section(
        title,
        class,
        sign,
        &html! {
            @for row in rows {
                // of a row of this table every column is set
                @if let Ok(employee) = row.try_into_model() { tr { (cells(&employee)) } }
            }
        },
    )
}

fn changed_rows(rows: &[(UpdatedRow, &Option<employee::Model>)]) -> Markup {
    section(
        "Changed",
        "changed",
        "~",
        &html! {
            @for (row, desired) in rows { tr { (changed_cells(row, desired.as_ref())) } }
        },
    )
}

fn section(title: &str, class: &str, sign: &str, rows: &Markup) -> Markup {
    html! {
        section class=(class) aria-labelledby=(class) {
            h2 id=(class) { span aria-hidden="true" class="sign" { (sign) } " " (title) }
            (scrolling(title, &html! {
                table {
                    caption { (title) " employees of this page" }
                    (head())
                    tbody { (rows) }
                }
            }))
        }
    }
}

/// The columns of all tables of employees.
pub(super) fn head() -> Markup {
    html! {
        thead {
            tr {
                @for label in LABELS {
                    th scope="col" class=[(label == "Salary").then_some("number")] { (label) }
                }
            }
        }
    }
}

/// The cells of an employee; the number is the heading of the row.
pub(super) fn cells(employee: &employee::Model) -> Markup {
    let [id, name, email, department, salary, hired_on] = texts(employee);
    html! {
        th scope="row" { (id) }
        td { (name) }
        td { (email) }
        td { (department) }
        td class="number" { (salary) }
        td { (hired_on) }
    }
}

fn texts(employee: &employee::Model) -> [String; COLUMNS.len()] {
    [
        employee.external_id.clone(),
        employee.name.clone(),
        employee.email.clone().unwrap_or_default(),
        employee.department.clone(),
        amount(employee.salary),
        employee.hired_on.to_string(),
    ]
}

/// A row with its changed cells marked; the others are as the file has them, too.
fn changed_cells(row: &UpdatedRow, desired: Option<&employee::Model>) -> Markup {
    let texts = desired.map_or_else(Default::default, texts);
    html! {
        @for (position, text) in texts.iter().enumerate() {
            @let change = row.changes.iter().find(|change| change.column == COLUMNS[position]);
            @let class = match (change, LABELS[position]) {
                (Some(_), "Salary") => Some("marked number"),
                (Some(_), _) => Some("marked"),
                (None, "Salary") => Some("number"),
                (None, _) => None,
            };
            @let cell = match change {
                Some(change) => marked(change),
                None => html! { (text) },
            };
            @if position == 0 { th scope="row" class=[class] { (cell) } } @else { td class=[class] { (cell) } }
        }
    }
}

/// Old and new, for the eye and for a screen reader.
fn marked(change: &Change) -> Markup {
    html! {
        span class="unseen" { "changed from " }
        del { (filled(&text(&change.current))) }
        span aria-hidden="true" { " → " }
        span class="unseen" { " to " }
        ins { (filled(&text(&change.desired))) }
    }
}

fn filled(text: &str) -> &str {
    if text.is_empty() { "(empty)" } else { text }
}

/// A value as the columns of this table have it; NULL is empty.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone().unwrap_or_default(),
        Value::Decimal(Some(number)) => amount(*number),
        Value::ChronoDate(Some(date)) => date.to_string(),
        _ => String::new(),
    }
}

/// With cents, whatever the database keeps of trailing zeros.
fn amount(mut salary: sea_orm::prelude::Decimal) -> String {
    salary.rescale(2);
    salary.to_string()
}
