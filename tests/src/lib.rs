//! What the tests share: a database for each test on each backend, entities,
//! column types, an oracle, connections that wait for the test, and a proxy that
//! breaks connections.

pub mod captured;
pub mod column;
pub mod database;
pub mod entity;
pub mod oracle;
pub mod proxy;
pub mod stepped;
pub mod suite;
