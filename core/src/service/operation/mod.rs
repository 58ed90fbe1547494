//! Work that the platform does by itself: seeding, the outbox, and housekeeping.

pub mod housekeeping;
pub mod outbox;
pub mod seed;

pub use seed::SeedSettings;
