//! Pages as HTML. Whatever comes from outside is escaped by maud.

mod company;
mod plan;
mod problem;
mod upload;

use axum::{
    http::{HeaderMap, StatusCode},
    response::{Html, IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

pub use self::{
    company::{CompanyPage, companies, company},
    plan::plan,
    problem::failed,
    upload::{applied, progress},
};
use crate::csrf::{self, CsrfToken};

/// How many rows of a long list a page has.
pub const PAGE: usize = 100;

/// A page with its status.
pub struct Page {
    status: StatusCode,
    headers: HeaderMap,
    markup: Markup,
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        (self.status, self.headers, Html(self.markup.into_string())).into_response()
    }
}

/// Where a page is: the names and addresses of those above it.
type Trail<'a> = &'a [(&'a str, String)];

/// The frame of all pages. `refresh` makes the browser load it again each second.
fn page(title: &str, trail: Trail<'_>, refresh: bool, content: &Markup) -> Page {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                @if refresh { meta http-equiv="refresh" content="1"; }
                title { (title) " · Import service" }
                link rel="stylesheet" href="/style.css";
            }
            body {
                a class="skip" href="#content" { "Skip to the content" }
                header {
                    nav aria-label="Where you are" {
                        ol {
                            li { a href="/" { "Companies" } }
                            @for (name, address) in trail { li { a href=(address) { (name) } } }
                        }
                    }
                }
                main id="content" tabindex="-1" {
                    h1 { (title) }
                    (content)
                }
                footer {
                    p { "For machines: " a href="/openapi.json" { "OpenAPI description" } }
                }
            }
        }
    };
    Page { status: StatusCode::OK, headers: HeaderMap::new(), markup }
}

/// The hidden field that shows where a form is from.
fn token_field(token: &CsrfToken) -> Markup {
    html! { input type="hidden" name=(csrf::FIELD) value=(token.text()); }
}

/// A wide table that scrolls on its own, with the keyboard, too.
fn scrolling(label: &str, table: &Markup) -> Markup {
    html! { div class="scroll" role="region" aria-label=(label) tabindex="0" { (table) } }
}

/// The number of a page that there is.
pub fn existing(page: usize, total: usize) -> usize {
    page.clamp(1, total.div_ceil(PAGE).max(1))
}

/// Links to the other pages of a long list.
fn pager(address: &str, page: usize, total: usize) -> Markup {
    let pages = total.div_ceil(PAGE).max(1);
    html! {
        @if pages > 1 {
            nav class="pager" aria-label="Pages" {
                @if page > 1 { a rel="prev" href={ (address) "?page=" (page - 1) } { "← Previous" } }
                span { "Page " (page) " of " (pages) }
                @if page < pages { a rel="next" href={ (address) "?page=" (page + 1) } { "Next →" } }
            }
        }
    }
}

/// Groups of three digits, kept together in a line.
fn number(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or_default().to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// One thing, or many of them.
fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}
