//! What a run reports, in the shape of `sync --format json` (interface.md). The engine fills it in; `cli` prints it
//! and the store keeps it. Nothing is printed inside the engine.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::systems::System;

/// One of the four jobs, in the order in which a run takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Job {
    /// Axerrio orders → Komet Prebooks and POs.
    Orders,
    /// Komet Prebooks → Axerrio orders.
    Prebooks,
    /// Komet POs → what Axerrio knows of them.
    PurchaseOrders,
    /// Axerrio labels → Komet boxes.
    Labels,
}

impl Job {
    /// Every job, in a run's order.
    pub const ALL: [Self; 4] = [Self::Orders, Self::Prebooks, Self::PurchaseOrders, Self::Labels];

    /// The name that scripts rely on.
    pub fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Prebooks => "prebooks",
            Self::PurchaseOrders => "purchase-orders",
            Self::Labels => "labels",
        }
    }

    /// The system that it reads.
    pub fn polls(self) -> System {
        match self {
            Self::Orders | Self::Labels => System::Axerrio,
            Self::Prebooks | Self::PurchaseOrders => System::Komet,
        }
    }

    /// The job of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|job| job.name() == name)
    }
}

/// How a run or a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Done, and nothing waits for a person.
    Ok,
    /// Done, but something is held or failed.
    Attention,
    /// Another run holds the lock.
    Busy,
    /// Not done: a system or the database failed.
    Failed,
}

impl Outcome {
    /// The name that scripts rely on.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Attention => "attention",
            Self::Busy => "busy",
            Self::Failed => "failed",
        }
    }
}

/// What became of one push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionResult {
    /// Done now.
    Done,
    /// Would be done (dry run).
    Planned,
    /// Waits for a person.
    Held,
    /// Tried, and not done or not known to be done.
    Failed,
    /// Found done on read-back.
    Adopted,
}

impl ActionResult {
    /// The name that scripts rely on.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Planned => "planned",
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Adopted => "adopted",
        }
    }
}

/// One push, as told to people and scripts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionReport {
    /// The order; `null` for what concerns several.
    pub order: Option<String>,
    /// The system written to.
    pub system: System,
    /// Komet's method or Axerrio's call.
    pub method: String,
    /// What became of it.
    pub result: ActionResult,
    /// `prebook 85063`; never a price, an address or a token.
    pub detail: String,
}

/// Requests made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// To Axerrio.
    pub axerrio: u64,
    /// To Komet; these count against its quota.
    pub komet: u64,
}

/// Where a job's polling stood before and after. For Prebooks the oldest window counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatermarkMove {
    /// `null` if nothing was read before.
    pub before: Option<DateTime<Utc>>,
    /// `null` if nothing was read yet.
    pub after: Option<DateTime<Utc>>,
}

/// What is told of a job that was stopped, and of which nothing else went wrong.
pub const STOPPED: &str = "stopped by a signal";

/// One job of a run, its second pass and its read-backs included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobReport {
    /// Which job.
    pub job: Job,
    /// How it ended.
    pub outcome: Outcome,
    /// Records read.
    pub polled: u64,
    /// Orders whose views changed.
    pub changed: u64,
    /// Pushes that were done or adopted.
    pub pushed: u64,
    /// Holds now open on the orders it looked at.
    pub held: u64,
    /// Pushes that failed.
    pub failed: u64,
    /// Requests made.
    pub requests: Requests,
    /// Where polling stands.
    pub watermark: WatermarkMove,
    /// What went wrong, for people.
    pub error: Option<String>,
}

/// Komet's quota of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaReport {
    /// Requests a day that this link may make.
    pub limit: u64,
    /// Requests made today, by all processes of this link.
    pub used: u64,
    /// When the day ends, by Komet's clock.
    pub resets_at: DateTime<Utc>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// The run's id, a ULID.
    pub run: String,
    /// Whether nothing was written anywhere.
    pub dry_run: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When it finished.
    pub finished_at: DateTime<Utc>,
    /// One entry a job.
    pub jobs: Vec<JobReport>,
    /// Every push, in the order of their results.
    pub actions: Vec<ActionReport>,
    /// Komet's quota.
    pub quota: QuotaReport,
}
