//! An upload that is being worked on, and one that is done.

use bulk_sync::SyncResult;
use maud::{Markup, html};

use super::{Page, counted, page};
use crate::upload::{Phase, Progress, Upload};

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
fn bar(Progress { done, expected, .. }: Progress) -> Markup {
    match expected {
        Some(expected) if done > 0 => {
            html! { progress aria-label="Progress" max=(expected) value=(done) { (done) " of " (expected) } }
        }
        _ => html! { progress aria-label="Progress" { "…" } },
    }
}

fn what(Progress { phase, done, expected }: Progress) -> String {
    let expected = expected.unwrap_or_default();
    match phase {
        Phase::Reading => format!("Reading the file: {} so far", counted(done, "line", "lines")),
        Phase::Comparing => {
            format!("Comparing {} with the table", counted(expected, "employee", "employees"))
        }
        Phase::Applying => format!("Writing {}", counted(expected, "change", "changes")),
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
