//! What must never happen whoever answers: a token told, a certificate not checked, a redirect followed, SQL put together
//! from values. The program itself runs wherever it can, against servers on loopback that say and do the worst.

#![allow(clippy::unwrap_used)]

mod echo;
mod leaks;
mod place;
mod redirects;
mod sql;
mod tls;
