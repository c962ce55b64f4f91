//! Two transactions at once, statement by statement, in every order: what is in
//! the table afterwards is what one after the other leaves there.

mod explorer;
mod syncs;
mod writers;

fn main() -> std::process::ExitCode {
    bulk_sync_tests::suite::run(&[("syncs", &syncs::TESTS), ("writers", &writers::TESTS)])
}
