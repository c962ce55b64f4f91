//! What the tests share: a database for each test on each backend, entities,
//! an oracle, and a proxy that breaks connections.

pub mod database;
pub mod entity;
pub mod oracle;
pub mod proxy;
pub mod suite;
