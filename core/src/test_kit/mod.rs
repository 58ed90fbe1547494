//! What the tests of every edge and language use, and `dezky dev` too: a development issuer among them.

pub mod mongodb_server;
