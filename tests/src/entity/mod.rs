//! Entities of the tests.

pub mod article;
pub mod booking;
pub mod category;
pub mod employee;
pub mod every_type;
pub mod label;
pub mod membership;
pub mod meter;
pub mod mood;
pub mod note;
pub mod odd_names;
pub mod pass;
pub mod project;
pub mod reading;
pub mod seat;
pub mod short_names;
pub mod slot;
pub mod stock;
pub mod tagged;
pub mod task;
pub mod token;
pub mod typed;
pub mod unit;
pub mod zone;
