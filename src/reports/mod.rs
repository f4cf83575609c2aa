//! What the shell and the page both tell: gathered from the store, judged by the configuration and the clock, and drawn by
//! neither. `cli` draws it for a terminal or as JSON, `page` as HTML.

mod braked;
pub mod budget;
pub mod choices;
pub mod ground;
pub mod health;
pub mod holds;
pub mod map_csv;
pub mod orders;
pub mod runs;
pub mod story;
pub mod suggest;
pub mod watermarks;
pub mod words;
