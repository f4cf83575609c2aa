//! SIGHUP: the configuration is read again. A wrong one changes nothing; of a right one everything is taken over but what
//! a running process cannot change, which is said.

use std::sync::Arc;

use super::teller::Teller;
use super::{Daemon, Served, words};
use crate::config::Config;

impl<S: Served> Daemon<S> {
    /// Reads the configuration again.
    pub(super) async fn reload(&mut self) {
        self.systemd.reloading();
        match Config::load(&self.config.file) {
            Ok(new) => self.take_over(new).await,
            Err(errors) => {
                log::error!("{errors}");
                log::error!("the configuration that was in force stays in force");
            }
        }
        self.systemd.ready(&self.status());
    }

    async fn take_over(&mut self, mut new: Config) {
        let kept = keep_what_cannot_change(&self.config, &mut new);
        if let Err(error) = self.link.reconfigure(&new).await {
            log::error!("{error:#}; the configuration that was in force stays in force");
            return;
        }
        self.config = Arc::new(new);
        self.board.reconfigure(Arc::clone(&self.config));
        self.teller = Teller::start(&self.config, &self.link.engine().store);
        let now = self.now();
        self.agenda.replace(&self.config.jobs, now);
        if let Some(alarm) = &mut self.alarm
            && let Err(error) = alarm.set(&self.config.jobs, now).await
        {
            log::warn!("the alarm cannot be set ({error}); jobs run all the same, up to a second late");
            self.alarm = None;
        }
        for key in kept {
            log::warn!("{key} changed, which takes a restart; until then the old one is used");
        }
        log::info!("the configuration was read again; {}", words::next(&self.agenda, now, self.zone()));
    }
}

/// The keys whose change takes a restart: `new` gets their present values.
fn keep_what_cannot_change(old: &Config, new: &mut Config) -> Vec<&'static str> {
    let mut kept = Vec::new();
    if new.state.path != old.state.path {
        new.state.path.clone_from(&old.state.path);
        kept.push("state.path");
    }
    if new.status.listen != old.status.listen {
        new.status.listen = old.status.listen;
        kept.push("status.listen");
    }
    kept
}
