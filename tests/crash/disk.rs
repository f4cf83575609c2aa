//! The disk under the program is full: it says so, ends with 1, and once there is room the next run does what is left.

use std::process::{Command, Output};

use stemsync::sandbox::Answers;
use tokio::runtime::Runtime;

use crate::gate::Moment;
use crate::place::everything;
use crate::process::Site;
use crate::scenario::STEPS;

/// A run whose files may not grow beyond so many units of 512 bytes. A file of this size is all that a test can have
/// of a full disk without being root; the shell keeps the kernel from killing the program for it.
fn sync_on_a_small_disk(site: &Site, units: u32) -> Output {
    let command = site.place.command(&["sync"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("trap '' XFSZ; ulimit -f {units}; exec \"$0\" \"$@\"")]);
    shell.arg(command.get_program()).args(command.get_args());
    shell.current_dir(command.get_current_dir().unwrap());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.output().unwrap()
}

#[test]
fn a_full_disk_is_told_plainly_and_the_run_after_it_does_the_rest() {
    let runtime = Runtime::new().unwrap();
    let site = Site::new(runtime.handle(), Answers::Plain);
    site.act(STEPS[0].1);
    let before = site.checkpoint();
    site.sync_until_quiet();
    let written = site.written();
    let mut broke_off_between_writes = 0;
    for units in (32..).step_by(48) {
        println!("--- {units} units");
        let site = Site::at(runtime.handle(), Answers::Plain, &before, Moment::Asked);
        let output = sync_on_a_small_disk(&site, units);
        if output.status.code() == Some(0) {
            break;
        }
        let told = everything(&output);
        assert_eq!(output.status.code(), Some(1), "{told}");
        let clear = "cannot be read or written (disk I/O error); check the disk's space";
        assert!(told.contains("link.db") && told.contains(clear), "{told}");
        assert!(!told.contains("panicked"), "{told}");
        broke_off_between_writes += u32::from(site.gate.arrived().iter().any(|(_, writes)| *writes));
        site.sync_until_quiet();
        site.check();
        assert_eq!(site.written(), written, "each is sent as often as ever");
    }
    assert!(broke_off_between_writes > 1, "it was not only that nothing could begin");
}
