//! Entities of the tests.

pub mod employee;
pub mod seat;
