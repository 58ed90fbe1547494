//! The identity system: the tenant's group, and the people in it.

pub mod group;
pub mod people;
pub mod person;
