//! The pages of the manual. They exist in the documentation alone.
//!
//! - [Cookbook](cookbook): whole programs for common tasks.
//! - [Input](input): CSV, JSON, Arrow, another database, generated entities.
//! - [Observing](observing): progress, spans and events.
//! - [Coming from](coming_from) other means, and what is different here.
//! - [Design](design): questions and answers.
//! - [Types](types), on each backend.
//! - [Reliability](reliability) beside other transactions, and
//!   [faults](reliability_faults).
//! - [Poolers and clusters](clusters).
//! - [Performance](performance).

/// Includes a page. In the repository the pages refer to each other by the names
/// of their files, with definitions at the end; here the same labels come first,
/// and of several definitions the first one counts.
macro_rules! pages {
    ($($name:ident: $file:literal)*) => {$(
        #[doc = "[cookbook]: crate::_manual::cookbook"]
        #[doc = "[input]: crate::_manual::input"]
        #[doc = "[observing]: crate::_manual::observing"]
        #[doc = "[coming from]: crate::_manual::coming_from"]
        #[doc = "[design]: crate::_manual::design"]
        #[doc = "[types]: crate::_manual::types"]
        #[doc = "[reliability]: crate::_manual::reliability"]
        #[doc = "[faults]: crate::_manual::reliability_faults"]
        #[doc = "[clusters]: crate::_manual::clusters"]
        #[doc = "[performance]: crate::_manual::performance"]
        #[doc = ""]
        #[doc = include_str!(concat!("../docs/", $file))]
        pub mod $name {}
    )*};
}

pages! {
    cookbook: "cookbook.md"
    input: "input.md"
    observing: "observing.md"
    coming_from: "coming-from.md"
    design: "design.md"
    types: "types.md"
    reliability: "reliability.md"
    reliability_faults: "reliability-faults.md"
    clusters: "clusters.md"
    performance: "performance.md"
}
