//! The cron crate as the daemon uses it: it rings, and setting it anew leaves nothing behind.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use stemsync::daemon::alarm::Alarm;
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::manager::LONG;
use crate::{at, config};

#[tokio::test]
async fn it_rings_each_second_and_is_set_anew_without_leaving_anything_behind() {
    let each_second = config("orders = \"* * * * * *\"\n").jobs;
    let mut alarm = Alarm::start().await.unwrap();
    alarm.set(&each_second, Utc::now()).await.unwrap();
    for _ in 0..3 {
        timeout(LONG, alarm.rung()).await.expect("it rings");
    }
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for _ in 0..100 {
        alarm.set(&each_second, Utc::now()).await.unwrap();
    }
    timeout(LONG, alarm.rung()).await.expect("it rings still");
    // What rings at this moment is a handful of tasks that end at once.
    timeout(LONG, async {
        while tasks() > before {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("a hundred settings later there is no task more");
}

#[tokio::test]
async fn it_is_set_anew_when_its_clock_was_set_back_or_its_zone_changed_the_offset() {
    let hourly =
        config("orders = \"0 0 * * * *\"\nprebooks = \"off\"\npurchase-orders = \"off\"\nlabels = \"off\"\n");
    let each_second = config("orders = \"* * * * * *\"\n").jobs;
    let [winter, summer] = ["2026-01-15T12:00:00Z", "2026-07-15T12:00:00Z"].map(at);
    for (then, now) in [(summer, summer - TimeDelta::hours(1)), (winter, summer), (summer, winter)] {
        let mut alarm = Alarm::start().await.unwrap();
        alarm.set(&hourly.jobs, then).await.unwrap();
        // That it rings each second shows that it was set anew.
        alarm.keep_up(&each_second, now).await.unwrap();
        timeout(LONG, alarm.rung()).await.expect("it was set anew");
    }
}
