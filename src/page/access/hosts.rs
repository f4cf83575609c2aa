//! Under which names the page may be asked for. A page on the web can have its own name point to 127.0.0.1 and then read
//! what the browser gets from there (DNS rebinding); it cannot make the browser ask under another name.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;

use crate::page::trouble::Trouble;

/// Refuses a name that is not the page's. Any port will do: a tunnel through SSH has its own.
pub(super) fn check(parts: &Parts, here: SocketAddr, hosts: &[String]) -> Result<(), Trouble> {
    let mut named = parts.headers.get_all(HOST).iter();
    let host = match (named.next(), named.next()) {
        (Some(host), None) => host.to_str().unwrap_or("?"),
        _ => return Err(Trouble::bad_request("A request names the host that it is for, once.")),
    };
    let elsewhere = parts.uri.authority().map(Authority::as_str).filter(|name| *name != host);
    match [Some(host), elsewhere].into_iter().flatten().find(|host| !is_ours(host, here, hosts)) {
        Some(host) => Err(Trouble::wrong_host(host)),
        None => Ok(()),
    }
}

fn is_ours(host: &str, here: SocketAddr, hosts: &[String]) -> bool {
    let Some(name) = without_port(host) else { return false };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    match name.parse::<IpAddr>() {
        Ok(address) => {
            let address = address.to_canonical();
            address.is_loopback() || address == here.ip().to_canonical() || hosts.contains(&name)
        }
        Err(_) => name == "localhost" || hosts.contains(&name),
    }
}

/// `[::1]:8787` is `::1`; `None` for what is no host.
fn without_port(host: &str) -> Option<&str> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_port = |digits: &str| digits.len() <= 5 && digits.bytes().all(|b| b.is_ascii_digit());
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machines_names_and_those_that_were_named_are_ours() {
        let here: SocketAddr = ([127, 0, 0, 1], 8787).into();
        let hosts = ["page.example".to_owned(), "10.1.2.3".to_owned()];
        for host in [
            "127.0.0.1",
            "127.0.0.1:8787",
            "localhost:9000",
            "LOCALHOST.",
            "[::1]:8787",
            "[::ffff:127.0.0.1]",
            "page.example",
            "Page.Example:443",
            "10.1.2.3:80",
        ] {
            assert!(is_ours(host, here, &hosts), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8787",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "evil-localhost",
            "page.example.evil",
            "10.1.2.4",
            "127.0.0.1:8787:1",
            "127.0.0.1@evil.example",
            "user@localhost",
            "[::1]evil",
            "[::1",
            "::1",
            "2130706433",
            "",
            " localhost",
        ] {
            assert!(!is_ours(host, here, &hosts), "{host}");
        }
    }

    #[test]
    fn beyond_loopback_the_address_that_was_dialled_is_ours() {
        let here: SocketAddr = ([10, 0, 0, 7], 8787).into();
        assert!(is_ours("10.0.0.7:8787", here, &[]) && !is_ours("10.0.0.8:8787", here, &[]));
    }
}
