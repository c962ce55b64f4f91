//! The tables, in SeaORM's dense format.

pub mod company;
pub mod employee;
pub mod import;
