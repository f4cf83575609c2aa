//! What the shell and the page both tell, gathered from the store and drawn by neither: a sentence that a person reads in
//! both places stands here.

pub mod choices;
pub mod ground;
pub mod holds;
pub mod map_csv;
pub mod orders;
pub mod story;
pub mod suggest;
