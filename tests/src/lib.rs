//! What the tests share: a database for each test on each backend, and entities.

pub mod database;
pub mod entity;
pub mod suite;
