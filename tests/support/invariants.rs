//! What must hold after every story, whatever went wrong in it: what stands in both systems is right (`standing`),
//! nothing that is somebody else's was touched, the program's own audit agrees, and a further run has nothing to write.

use crate::link::{Link, failures};
use crate::standing::{Remembered, wrong};

/// Asserts all of it. Call it when stemsync has had the time to do its work.
pub(crate) async fn invariants(link: &Link) {
    let known = link.engine.store.read(Remembered::read).await.unwrap();
    let (first, last) = (link.today(), link.engine.horizon_end());
    assert_eq!(link.act(|world, _| wrong(world, &known, first, last)), Vec::<String>::new());
    assert!(link.strangers_are_untouched(), "what is not stemsync's was touched");
    // The program's own verdict; what waits for a person is a difference until then.
    let audit = link.engine.audit().await.unwrap();
    if known.holds.is_empty() {
        assert_eq!(audit.differences, [], "verify");
    }
    // What a system refuses is tried again each run (clarification 11); everything else is done.
    if !known.retries() {
        let before = link.writes();
        let report = link.sync().await;
        assert_eq!(link.writes(), before, "a further run writes nothing: {:?}", report.actions);
        assert_eq!(failures(&report), Vec::<String>::new());
    }
}
