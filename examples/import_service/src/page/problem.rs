//! What went wrong, and what to do about it.

use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::{Page, number, page, scrolling, token_field, upload::trail};
use crate::{csrf::CsrfToken, csv_file::Faults, error::Problem, upload::Upload};

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let content = html! {
            (message(&self))
            p {
                @if matches!(self, Self::Unavailable(_)) { a href="" { "Try again" } " · " }
                a href="/" { "All companies" }
            }
        };
        with_status(page(self.title(), &[], false, &content), &self).into_response()
    }
}

/// An upload that cannot go on.
pub fn failed(upload: &Upload, problem: &Problem, token: &CsrfToken) -> Page {
    let company = format!("/companies/{}", upload.company_id);
    let content = html! {
        p { "File: " (upload.file_name) }
        (message(problem))
        @if let Problem::Faulty(faults) = problem { (faulty_lines(faults)) }
        @if matches!(problem, Problem::Unavailable(_) | Problem::Internal) {
            form method="post" action={ (company) "/uploads/" (upload.id) "/retry" } {
                (token_field(token))
                p { "The file is kept." }
                button { "Try again" }
            }
        }
        p { a href=(company) { "Back to the company" } }
    };
    with_status(page(problem.title(), &trail(upload), false, &content), problem)
}

fn with_status(page: Page, problem: &Problem) -> Page {
    Page { status: problem.status(), headers: problem.headers(), ..page }
}

fn message(problem: &Problem) -> Markup {
    html! { div class="card bad" role="alert" { p { (problem.explanation()) } } }
}

fn faulty_lines(faults: &Faults) -> Markup {
    let listed = faults.listed.len() as u64;
    scrolling(
        "Faulty lines",
        &html! {
            table {
                caption {
                    @if listed < faults.total {
                        "The first " (number(listed)) " of " (number(faults.total)) " faulty lines"
                    } @else {
                        "All faulty lines"
                    }
                }
                thead { tr { th scope="col" class="number" { "Line" } th scope="col" { "What is wrong" } } }
                tbody {
                    @for fault in &faults.listed {
                        tr { th scope="row" class="number" { (fault.line) } td { (fault.reason) } }
                    }
                }
            }
        },
    )
}
