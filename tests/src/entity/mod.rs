//! Entities of the tests.

pub mod employee;
