//! An upload that is being worked on, and one that is done.

use bulk_sync::{Phase, SyncResult};
use maud::{Markup, html};

use super::{Page, counted, number, page};
use crate::upload::{Progress, Upload};

/// The work goes on without the page, which loads itself again.
pub fn progress(upload: &Upload, progress: Progress) -> Page {
    let content = html! {
        div class="card" role="status" {
            p { strong { (what(progress)) } }
            (bar(progress))
            p class="help" {
                "This page loads itself again each second. You can leave it: the work goes on. "
                a href="" { "Load it now" }
            }
        }
    };
    page(&format!("Working on {}", upload.file_name), &trail(upload), true, &content)
}

/// A bar with a length where that is known.
fn bar(progress: Progress) -> Markup {
    match progress {
        Progress::Sync(bulk_sync::Progress { done, expected: Some(expected), .. }) => {
            html! { progress aria-label="Progress" max=(expected) value=(done) {} }
        }
        _ => html! { progress aria-label="Progress" {} },
    }
}

fn what(progress: Progress) -> String {
    match progress {
        Progress::File { lines } => {
            format!("Reading the file: {} so far", counted(lines, "line", "lines"))
        }
        Progress::Compare { employees } => {
            format!("Comparing {} with the table", counted(employees, "employee", "employees"))
        }
        Progress::Apply { rows } => format!("Writing {}", counted(rows, "change", "changes")),
        Progress::Sync(progress) => what_sync_does(progress),
    }
}

fn what_sync_does(
    bulk_sync::Progress { phase, done, expected, .. }: bulk_sync::Progress,
) -> String {
    let what = match phase {
        Phase::Reading => "Comparing with the table",
        Phase::Comparing => "Looking once more at rows that differ",
        Phase::Deleting => "Removing employees",
        Phase::Updating => "Changing employees",
        Phase::Creating => "Creating employees",
        Phase::Proving => "Proving that the employees are those of the file",
        _ => "Working",
    };
    match expected {
        Some(expected) => format!("{what}: {} of {}", number(done), number(expected)),
        None => format!("{what}: {} so far", counted(done, "row", "rows")),
    }
}

/// The table is as the file is.
pub fn applied(upload: &Upload, result: &SyncResult) -> Page {
    let content = html! {
        div class="card good" role="status" {
            p { strong { "Done. The employees are those of the file." } }
            p {
                (counted(result.created, "row", "rows")) " created, "
                (counted(result.updated, "row", "rows")) " changed, "
                (counted(result.deleted, "row", "rows")) " removed, "
                (counted(result.unchanged, "row", "rows")) " unchanged."
            }
            p { a href={ "/companies/" (upload.company_id) } { "Back to the company" } }
        }
    };
    page(&format!("{} is imported", upload.file_name), &trail(upload), false, &content)
}

pub(super) fn trail(upload: &Upload) -> [(&'static str, String); 1] {
    [("Company", format!("/companies/{}", upload.company_id))]
}
