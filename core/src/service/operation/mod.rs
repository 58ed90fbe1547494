//! What the platform does by itself: the first tenant, the outbox, and forgetting what has expired.

pub mod housekeeping;
pub mod outbox;
pub mod seed;

pub use seed::SeedSettings;
