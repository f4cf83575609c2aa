//! Secrets: where they may come from, and that no error ever repeats one.

use std::fs;
use std::path::Path;

use stemsync::config::{Config, Endpoint};

use super::{parse, problem, with, with_komet};

#[test]
fn a_real_system_needs_its_token() {
    let wrong = problem(&with_komet("base_url = \"https://komet.example/\""));
    assert_eq!((wrong.line, wrong.key.as_str()), (3, "komet.token"));
}

#[test]
fn a_token_that_is_not_set_is_named() {
    let wrong = problem(&with_komet("base_url = \"https://komet.example/\"\ntoken = { env = \"NO_SUCH_TOKEN\" }"));
    assert_eq!((wrong.line, wrong.found.as_str()), (5, "$NO_SUCH_TOKEN is not set"));
}

#[test]
fn a_secret_written_out_is_refused_and_not_repeated_even_in_the_sandbox() {
    for url in ["sandbox", "https://komet.example/"] {
        let wrong = problem(&with_komet(&format!("base_url = \"{url}\"\ntoken = \"0123456789abcdef\"")));
        assert_eq!((wrong.line, wrong.key.as_str()), (5, "komet.token"));
        assert!(wrong.allowed.contains("{ file = \"PATH\" }"), "{}", wrong.allowed);
        assert!(!format!("{wrong:?}").contains("0123456789abcdef"), "{wrong:?}");
    }
}

#[test]
fn a_secret_in_the_wrong_place_is_never_repeated() {
    for value in [
        "[\"AKIA0hush\"]",
        "{ env = \"AKIA0hush\" }",
        "{ env = \"0AKIAhush\" }",
        "{ file = \"AKIA0hush\" }",
        "{ credential = \"AKIA0hush\" }",
        "{ value = \"AKIA0hush\" }",
        "{ AKIA0hush = \"env\" }",
        "{ env = \"KOMET_TOKEN\", value = \"AKIA0hush\" }",
        "{ env = [\"AKIA0hush\"] }",
        "{ }",
        "{ env = \"\" }",
        "{ env = \"BLANK\" }",
        "{ env = \"TWO_LINES\" }",
        "\"AKIA0hush",
        "AKIA0hush",
        "{ env = AKIA0hush }",
        "\"AKIA0hush\" \"AKIA0hush\"",
    ] {
        let text = with_komet(&format!("base_url = \"https://komet.example/\"\ntoken = {value}"));
        let errors = parse(&text).unwrap_err();
        assert!(!errors.problems().is_empty() && errors.problems().iter().all(|p| p.line == 5), "{errors}");
        let told = format!("{errors} {errors:?}");
        assert!(!told.contains("hush"), "{value}: {told}");
    }
}

#[test]
fn the_configuration_shows_no_secret() {
    let config = parse(&with_komet("base_url = \"https://komet.example/\"\ntoken = { env = \"KOMET_TOKEN\" }"));
    let told = format!("{:?}", config.unwrap());
    assert!(told.contains("Secret(***)") && !told.contains("hush"), "{told}");
}

#[test]
fn a_webhook_must_be_an_address_and_is_not_repeated() {
    for name in ["PLAIN_HOOK", "KOMET_TOKEN"] {
        let wrong = problem(&with("notify", &format!("webhook = {{ env = \"{name}\" }}")));
        assert_eq!(wrong.key, "notify.webhook");
        assert!(!format!("{wrong:?}").contains("hush"), "{wrong:?}");
    }
}

#[test]
fn a_files_token_loses_its_newline() {
    let folder = tempfile::tempdir().unwrap();
    let config = parse(&file_token(folder.path(), "k0met-hush\n", 0o600)).unwrap();
    let Endpoint::Remote { token, .. } = &config.komet.endpoint else { panic!("not the sandbox") };
    assert_eq!(token.expose(), "k0met-hush");
}

#[test]
#[cfg(unix)]
fn a_secret_file_that_others_may_open_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o400, 0o600, 0o700] {
        assert!(parse(&file_token(folder.path(), "hush", mode)).is_ok(), "{mode:o}");
    }
    for mode in [0o640, 0o604, 0o620, 0o601, 0o644] {
        let wrong = problem(&file_token(folder.path(), "hush", mode));
        assert!(wrong.found.contains(&format!("mode {mode:04o}")), "{}", wrong.found);
        assert!(wrong.allowed.contains("chmod 600"), "{}", wrong.allowed);
    }
}

#[test]
fn a_secret_file_must_be_a_file_with_something_in_it() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(problem(&file_token(folder.path(), "\n", 0o600)).key, "komet.token");
    let path = |path: &Path| {
        let line = format!("token = {{ file = \"{}\" }}", path.display());
        with_komet(&format!("base_url = \"https://komet.example/\"\n{line}"))
    };
    let wrong = problem(&path(folder.path()));
    assert!(wrong.found.ends_with("it is not a regular file"), "{}", wrong.found);
    let wrong = problem(&path(&folder.path().join("absent")));
    assert!(wrong.found.ends_with("there is no such file"), "{}", wrong.found);
}

#[test]
fn a_secret_file_that_is_not_there_is_named_where_its_name_cannot_be_the_secret() {
    for (table, key, file) in [
        ("status", "password", "status-password"),
        ("notify", "webhook", "webhook"),
        ("notify", "webhook", "./h00k"),
    ] {
        let wrong = problem(&with(table, &format!("{key} = {{ file = \"{file}\" }}")));
        assert_eq!(wrong.found, format!("{file}: there is no such file"));
    }
}

#[test]
fn a_credential_comes_from_systemds_folder() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("komet"), "hush\n").unwrap();
    let text = with_komet("base_url = \"https://komet.example/\"\ntoken = { credential = \"komet\" }");
    let environment = |name: &str| (name == "CREDENTIALS_DIRECTORY").then(|| folder.path().into());
    let config = Config::from_text(Path::new("sync.toml"), &text, &environment).unwrap();
    let Endpoint::Remote { token, .. } = &config.komet.endpoint else { panic!("not the sandbox") };
    assert_eq!(token.expose(), "hush");
    assert!(problem(&text).found.contains("$CREDENTIALS_DIRECTORY is not set"));
    let outside = text.replace("\"komet\"", "\"../komet\"");
    let errors = Config::from_text(Path::new("sync.toml"), &outside, &environment).unwrap_err();
    assert!(errors.problems()[0].found.contains("a path in it"), "{errors}");
}

#[test]
fn outside_of_a_unit_a_credential_is_the_file_of_its_name_beside_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("komet.token");
    let text = with_komet("base_url = \"https://komet.example/\"\ntoken = { credential = \"komet.token\" }");
    let read = || Config::from_text(&folder.path().join("sync.toml"), &text, &|_| None);
    let wrong = read().unwrap_err();
    assert!(wrong.problems()[0].allowed.contains("beside the configuration"), "{wrong}");
    fs::write(&file, "hush\n").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let wrong = read().unwrap_err();
        assert!(wrong.problems()[0].found.contains("others may open it"), "{wrong}");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let config = read().unwrap();
    let Endpoint::Remote { token, .. } = &config.komet.endpoint else { panic!("not the sandbox") };
    assert_eq!(token.expose(), "hush");
    // Where a unit hands credentials over, nothing else counts.
    let elsewhere = tempfile::tempdir().unwrap();
    let unit = |name: &str| (name == "CREDENTIALS_DIRECTORY").then(|| elsewhere.path().into());
    assert!(Config::from_text(&folder.path().join("sync.toml"), &text, &unit).is_err());
}

/// A configuration whose token is in a file of this text and mode.
fn file_token(folder: &Path, text: &str, mode: u32) -> String {
    let file = folder.join(format!("token-{mode:o}"));
    fs::write(&file, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    }
    with_komet(&format!("base_url = \"https://komet.example/\"\ntoken = {{ file = \"{}\" }}", file.display()))
}
