//! The identity system: the tenant's group, the people in it, and the login of its own.

pub mod group;
pub mod login;
pub mod people;
pub mod person;
