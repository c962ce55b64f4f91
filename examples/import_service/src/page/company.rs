//! The companies, and one of them with its employees and past imports.

use maud::{Markup, html};

use super::{PAGE, Page, counted, number, page, pager, scrolling, token_field};
use crate::{
    csrf::CsrfToken,
    csv_file::COLUMNS,
    entity::{company, employee, import},
};

/// All companies, with the number of employees.
pub fn companies(companies: &[(company::Model, u64)]) -> Page {
    let content = html! {
        p { "Choose a company to import its employees from a CSV file." }
        ul class="cards" {
            @for (company, employees) in companies {
                li {
                    a href={ "/companies/" (company.id) } { (company.name) }
                    span { (counted(*employees, "employee", "employees")) }
                }
            }
        }
    };
    page("Companies", &[], false, &content)
}

/// What the page of a company shows.
pub struct CompanyPage<'a> {
    pub company: &'a company::Model,
    /// The employees of this page.
    pub employees: &'a [employee::Model],
    /// The number of all employees.
    pub total: usize,
    pub page: usize,
    /// The latest imports.
    pub imports: &'a [import::Model],
    pub max_upload_bytes: u64,
}

/// A company: the form for a file, its past imports, its employees.
pub fn company(shown: &CompanyPage<'_>, token: &CsrfToken) -> Page {
    let address = format!("/companies/{}", shown.company.id);
    let content = html! {
        (upload_form(shown, token, &address))
        section aria-labelledby="imports" {
            h2 id="imports" { "Past imports" }
            @if shown.imports.is_empty() { p { "None yet." } } @else { (past_imports(shown.imports)) }
        }
        section aria-labelledby="employees" {
            h2 id="employees" { "Employees " span class="count" { (number(shown.total)) } }
            @if shown.total == 0 {
                p { "None yet: upload a file." }
            } @else {
                (employees(shown.employees))
                (pager(&address, shown.page, shown.total))
            }
        }
    };
    page(&shown.company.name, &[], false, &content)
}

fn upload_form(shown: &CompanyPage<'_>, token: &CsrfToken, address: &str) -> Markup {
    html! {
        section aria-labelledby="upload" {
            h2 id="upload" { "Import employees" }
            form class="card" method="post" enctype="multipart/form-data" action={ (address) "/uploads" } {
                (token_field(token))
                label for="file" { "CSV file with all employees" }
                input id="file" name="file" type="file" accept=".csv,text/csv" required aria-describedby="file-help";
                p id="file-help" class="help" {
                    "In UTF-8, with the columns " code { (COLUMNS.join(", ")) } ", at most "
                    (size(shown.max_upload_bytes)) ". Employees that are not in the file are removed. "
                    "You see everything that would change before it does."
                }
                button { "Show what would change" }
            }
            p { "To try it: " a href={ (address) "/employees.csv" } { "download the employees" } ", change some lines, and upload the file." }
        }
    }
}

fn size(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    match bytes {
        ..MIB => format!("{} KiB", number(bytes / 1024)),
        _ => format!("{} MiB", number(bytes / MIB)),
    }
}

fn past_imports(imports: &[import::Model]) -> Markup {
    scrolling(
        "Past imports",
        &html! {
            table {
                caption { "The latest first" }
                thead {
                    tr {
                        th scope="col" { "Applied (UTC)" }
                        th scope="col" { "File" }
                        @for count in ["Created", "Changed", "Removed", "Unchanged"] {
                            th scope="col" class="number" { (count) }
                        }
                    }
                }
                tbody {
                    @for import in imports {
                        tr {
                            td { time datetime=(import.applied_at.to_rfc3339()) { (import.applied_at.format("%Y-%m-%d %H:%M")) } }
                            td { (import.file_name) }
                            @for count in [import.created, import.updated, import.deleted, import.unchanged] {
                                td class="number" { (number(count)) }
                            }
                        }
                    }
                }
            }
        },
    )
}

fn employees(employees: &[employee::Model]) -> Markup {
    scrolling(
        "Employees",
        &html! {
            table {
                caption { "By their number, " (PAGE) " a page" }
                (super::plan::head())
                tbody {
                    @for employee in employees { tr { (super::plan::cells(employee)) } }
                }
            }
        },
    )
}
