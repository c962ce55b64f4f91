//! Entities of the tests.

pub mod employee;
pub mod reading;
pub mod seat;
