//! Chromium without a screen, and what a person does in it: each has a chromedriver of its own, and both end with the test, also
//! where it fails. Nothing here waits for a time to pass: a person waits until he sees what he waits for, up to [`PATIENCE`].

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::prelude::*;

/// Much longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

const ABSENT: &str = "tests/browser wants Debian's packages `chromium` and `chromium-driver`: apt-get install chromium chromium-driver";

/// As root, without a screen, and without anything that Chromium does on its own account.
const ARGUMENTS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
];

/// Chromedriver and the browser that it starts: one group of processes, which ends as one.
struct Processes {
    driver: Child,
    port: u16,
}

impl Processes {
    /// What they leave behind, they leave in the folder `left`.
    fn start(left: &Path) -> Self {
        let mut command = Command::new("chromedriver");
        command.env("TMPDIR", left);
        command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut driver = command.spawn().unwrap_or_else(|error| panic!("{ABSENT} (chromedriver: {error})"));
        let mut told = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = told.by_ref().map_while(Result::ok).find_map(|line| {
            line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse().ok()
        });
        // It ends where nobody reads what it tells.
        std::thread::spawn(move || told.for_each(drop));
        Self { port: port.expect("chromedriver tells its port"), driver }
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        let group = format!("-{}", self.driver.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.driver.wait();
    }
}

/// Somebody at a screen.
pub(crate) struct Browser {
    pub(crate) driver: WebDriver,
    base: String,
    _processes: Processes,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Opens a window of 1440 × 900 that looks at the page at `base`.
    pub(crate) async fn start(base: &str) -> Self {
        let chromium =
            ["/usr/bin/chromium", "/usr/bin/chromium-browser"].into_iter().find(|path| Path::new(path).exists());
        let chromium = chromium.unwrap_or_else(|| panic!("{ABSENT}"));
        let profile = tempfile::tempdir().unwrap();
        let processes = Processes::start(profile.path());
        let mut wanted = DesiredCapabilities::chrome();
        wanted.set_binary(chromium).unwrap();
        for argument in ARGUMENTS {
            wanted.add_arg(argument).unwrap();
        }
        wanted.add_arg(&format!("--user-data-dir={}", profile.path().display())).unwrap();
        wanted.set("goog:loggingPrefs", json!({ "browser": "ALL" })).unwrap();
        let driver = WebDriver::new(format!("http://127.0.0.1:{}", processes.port), wanted).await.unwrap();
        let browser = Self { driver, base: base.to_owned(), _processes: processes, _profile: profile };
        browser.size(1440, 900).await;
        browser
    }

    pub(crate) async fn open(&self, path: &str) {
        self.driver.goto(format!("{}{path}", self.base)).await.unwrap();
    }

    /// Where it is, without the host.
    pub(crate) async fn path(&self) -> String {
        self.driver.current_url().await.unwrap().as_str().trim_start_matches(&self.base).to_owned()
    }

    /// What a script answers.
    pub(crate) async fn script(&self, script: &str) -> Value {
        self.driver.execute(script, Vec::new()).await.unwrap_or_else(|e| panic!("{e}: {script}")).json().clone()
    }

    pub(crate) async fn devtools(&self, method: &str, parameters: Value) {
        self.driver.cdp().send_raw(method, parameters).await.unwrap();
    }

    pub(crate) async fn size(&self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// `light` or `dark`; nothing fades from one to the other.
    pub(crate) async fn scheme(&self, scheme: &str) {
        let wanted = [("prefers-color-scheme", scheme), ("prefers-reduced-motion", "reduce")];
        let features = wanted.map(|(name, value)| json!({ "name": name, "value": value }));
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// All that can be read on the page.
    pub(crate) async fn text(&self) -> String {
        match self.driver.find(By::Tag("main")).await {
            Ok(main) => main.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// What the first such element says, in one look: a live page may replace it between two.
    pub(crate) async fn read(&self, css: &str) -> String {
        let script = format!("return document.querySelector({css:?})?.innerText ?? ''");
        self.script(&script).await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until something is so.
    pub(crate) async fn until(&self, what: &str, mut is_so: impl AsyncFnMut(&Self) -> bool) {
        let began = Instant::now();
        while !is_so(self).await {
            let is_time = began.elapsed() < PATIENCE;
            assert!(is_time, "waited in vain: {what}, at {}:\n{}", self.path().await, self.text().await);
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until a text can be read.
    pub(crate) async fn reads(&self, text: &str) {
        self.until(&format!("{text:?} is read"), async |it| it.text().await.contains(text)).await;
    }

    /// Waits until it can be read no more.
    pub(crate) async fn reads_no_more(&self, text: &str) {
        self.until(&format!("{text:?} is gone"), async |it| !it.text().await.contains(text)).await;
    }

    /// Waits until there is such an element.
    pub(crate) async fn find(&self, css: &str) -> WebElement {
        let began = Instant::now();
        loop {
            match self.driver.find(By::Css(css)).await {
                Ok(found) => return found,
                Err(_) if began.elapsed() < PATIENCE => tokio::time::sleep(LOOK).await,
                Err(error) => panic!("{error}: no {css} at {}:\n{}", self.path().await, self.text().await),
            }
        }
    }

    pub(crate) async fn count(&self, css: &str) -> usize {
        self.driver.find_all(By::Css(css)).await.unwrap().len()
    }

    /// Clicks the first such element that stays there long enough to be clicked: a live page may replace it.
    pub(crate) async fn click(&self, css: &str) {
        let began = Instant::now();
        while let Err(error) = self.find(css).await.click().await {
            assert!(began.elapsed() < PATIENCE, "{css}: {error}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Clicks, and waits for the page that comes of it.
    pub(crate) async fn go(&self, css: &str) {
        let old = self.find("html").await;
        self.click(css).await;
        self.until(&format!("{css} leads on"), async |it| {
            old.tag_name().await.is_err() && it.driver.find(By::Tag("h1")).await.is_ok()
        })
        .await;
    }

    pub(crate) async fn write(&self, css: &str, text: &str) {
        self.find(css).await.send_keys(text).await.unwrap();
    }

    pub(crate) async fn press(&self, key: Key) {
        self.driver.action_chain().send_keys(key).perform().await.unwrap();
    }

    pub(crate) async fn log_in(&self, password: &str) {
        self.open("/login").await;
        self.write("#password", password).await;
        self.go("main button[type=submit]").await;
    }

    /// What the browser complained about since the last call: a script or style that was refused, a file that is missing.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.driver.get_log("browser").await.unwrap().into_iter().filter(|entry| entry.level != "DEBUG");
        log.map(|entry| format!("{:?} {}", entry.level, entry.message)).collect()
    }

    /// Takes a picture of what the window shows.
    pub(crate) async fn picture(&self, name: &str) {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/browser");
        std::fs::create_dir_all(&folder).unwrap();
        self.driver.screenshot(&folder.join(format!("{name}.png"))).await.unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The processes end with this, and the session with them.
        let _ = self.driver.clone().leak();
    }
}
