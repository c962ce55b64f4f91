//! Entities of the tests.

pub mod employee;
pub mod every_type;
pub mod seat;
