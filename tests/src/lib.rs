//! What the tests share: a database for each test on each backend, entities,
//! and an oracle.

pub mod database;
pub mod entity;
pub mod oracle;
pub mod stepped;
pub mod suite;
