//! What the drawn tables leave out, each with its reason.

use sea_orm::DbBackend;

/// A type that is no key of drawn tables, nor unique in them.
struct NoKey {
    backend: DbBackend,
    /// The name of the type.
    name: &'static str,
    /// What is in the text of what it is declared as.
    declared: &'static str,
    reason: &'static str,
}

const NO_KEYS: [NoKey; 2] = [
    NoKey {
        backend: DbBackend::Sqlite,
        name: "decimal",
        declared: "",
        reason: "different floats are read as one decimal, so that the oracle cannot tell them apart",
    },
    NoKey {
        backend: DbBackend::MySql,
        name: "double",
        declared: "double(10, 2)",
        reason: "the library refuses it",
    },
];

/// Why a type is no key, where it is none.
pub fn no_key(backend: DbBackend, name: &str, declared: &str) -> Option<&'static str> {
    let is_meant = |no_key: &&NoKey| {
        no_key.backend == backend && no_key.name == name && declared.contains(no_key.declared)
    };
    NO_KEYS.iter().find(is_meant).map(|no_key| no_key.reason)
}
