//! Small things that are said everywhere in the same words.

use std::borrow::Cow;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::Config;
use crate::domain::{HoldReason, quoted};

/// How long ago, or how far ahead, in words: `3 min ago`, `in 2 h`.
pub fn relative(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let apart = at - now;
    let length = length(apart.abs());
    match apart {
        near if near.abs() < TimeDelta::seconds(1) => "now".to_owned(),
        ahead if ahead > TimeDelta::zero() => format!("in {length}"),
        _ => format!("{length} ago"),
    }
}

/// A length of time in its largest unit.
pub fn length(time: TimeDelta) -> String {
    match time.num_seconds() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds @ 3600..86_400 => format!("{} h", seconds / 3600),
        seconds @ 86_400..172_800 => format!("{} day", seconds / 86_400),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// A Komet method or Axerrio call in the words of the trade.
pub fn deed(method: &str) -> &str {
    match method {
        // One that is there or a new one: the answer tells.
        "prebook.create" => "into Prebook",
        "prebook.item.delete" => "out of Prebook",
        "purchase.order.create" => "onto PO",
        "purchase.order.mixed.create" => "onto PO, mixed",
        "purchase.order.item.delete" => "off PO",
        "purchase.order.items.awb.add" => "labels",
        "box.code.change" => "box code",
        "PUT orders/by-ref/{externalRef}" => "order",
        "POST orders/by-ref/{externalRef}/cancel" => "cancellation",
        "PUT orders/{id}/purchase-order" => "PO news",
        other => other,
    }
}

/// Why something waits, in the words of the trade.
pub fn reason(reason: HoldReason) -> &'static str {
    match reason {
        HoldReason::UnmappedProduct => "Product not mapped",
        HoldReason::EditedInKomet => "Edited in Komet",
        HoldReason::EditedInAxerrio => "Edited in Axerrio",
        HoldReason::ChangedAfterApproval => "Changed after approval",
        HoldReason::VoidLabel => "Label withdrawn after shipping",
        HoldReason::LabelChangedAfterShipping => "Label changed after shipping",
        HoldReason::ReservedLotNumber => "Reserved lot number",
        HoldReason::DuplicateBoxCode => "Box code used twice",
        HoldReason::FieldTooLong => "Too long for Komet",
        HoldReason::TooManyCancellations => "Too many cancellations",
        HoldReason::RejectedByKomet => "Refused by Komet",
        HoldReason::RejectedByAxerrio => "Refused by Axerrio",
    }
}

/// How the program is called for the link of this configuration, which is named wherever another one would be found without it:
/// maps and holds belong to their link.
pub fn command(file: &Path) -> String {
    if Config::is_usual(file) {
        PROGRAM.to_owned()
    } else {
        format!("{PROGRAM} -c {}", quoted(&file.to_string_lossy()))
    }
}

const PROGRAM: &str = "stemsync";

/// `text` with the commands in it, which stand in backquotes or after `run:`, as `command` calls the program. What is on file,
/// such as a hold's detail, was written without knowing for which link it is told. Once more changes nothing.
pub fn of_link<'t>(text: &'t str, command: &str) -> Cow<'t, str> {
    if command == PROGRAM || text.contains(command) {
        return Cow::Borrowed(text);
    }
    let mut told = Cow::Borrowed(text);
    // After a colon other sentences about stemsync stand as well.
    for called in ["`stemsync ", ": stemsync map "] {
        if told.contains(called) {
            told = told.replace(called, &called.replace(PROGRAM, command)).into();
        }
    }
    told
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_command_names_the_link_that_would_not_be_found_without_it() {
        let told = |file| command(Path::new(file));
        assert_eq!(told("./sync.toml"), "stemsync");
        assert_eq!(told("/etc/stemsync/miami.toml"), "stemsync -c /etc/stemsync/miami.toml");
        assert_eq!(told("the other.toml"), "stemsync -c 'the other.toml'");
    }

    #[test]
    fn commands_in_a_text_are_told_for_the_link() {
        let text =
            "Map it, or run: stemsync map product set A 1. See `stemsync holds`: stemsync goes on by itself.";
        let miami = "stemsync -c miami.toml";
        let told = of_link(text, miami);
        assert_eq!(
            told,
            "Map it, or run: stemsync -c miami.toml map product set A 1. See `stemsync -c miami.toml holds`: stemsync \
             goes on by itself."
        );
        assert_eq!(of_link(&told, miami), told, "once is enough");
        assert_eq!(of_link(text, "stemsync"), text);
    }

    #[test]
    fn times_are_told_in_words() {
        let now: DateTime<Utc> = "2026-01-15T10:00:00Z".parse().unwrap();
        let told = |seconds| relative(now + TimeDelta::seconds(seconds), now);
        assert_eq!(told(0), "now");
        assert_eq!([told(-59), told(-200), told(-7200)], ["59 s ago", "3 min ago", "2 h ago"]);
        assert_eq!([told(90), told(100_000), told(-200_000)], ["in 1 min", "in 1 day", "2 days ago"]);
    }
}
