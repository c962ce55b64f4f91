//! What the tests share: a database for each test on each backend, entities,
//! column types, and an oracle.

pub mod column;
pub mod database;
pub mod entity;
pub mod oracle;
pub mod stepped;
pub mod suite;
