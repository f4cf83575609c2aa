//! Logging in and out.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::Query;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use maud::html;
use serde::Deserialize;

use super::{Access, Ends, Visitor, forms, sessions};
use crate::page::desk::Desk;
use crate::page::parts::csrf_field;
use crate::page::shell::{self, Place};
use crate::page::trouble::{NO_PASSWORD, Trouble};

/// Where it happens.
pub(super) const PATH: &str = "/login";

/// What a wrong password costs, even the first.
const PENALTY: Duration = Duration::from_millis(400);

pub(super) fn routes() -> Router<Desk> {
    Router::new().route(PATH, get(form).post(log_in)).route("/logout", post(log_out))
}

#[derive(Deserialize)]
struct Asked {
    next: Option<String>,
}

async fn form(
    visitor: Visitor,
    Extension(access): Extension<Access>,
    Extension(ends): Extension<Ends>,
    headers: HeaderMap,
    asked: Query<Asked>,
) -> Response {
    if visitor.may_act() {
        return Redirect::to("/").into_response();
    }
    draw(&visitor, &access, ends, &headers, place_of(asked.next.as_deref()), None)
}

/// The form, with what was wrong with the last try. It holds a token that belongs to a cookie of this browser: there is no
/// session yet.
fn draw(
    visitor: &Visitor,
    access: &Access,
    ends: Ends,
    headers: &HeaderMap,
    next: &str,
    wrong: Option<&str>,
) -> Response {
    let name = login_cookie(ends);
    let known = sessions::cookie(headers, &name).filter(|token| token.len() == 64);
    let token = known.unwrap_or_else(sessions::token);
    let csrf = access.sessions().of_login(&token);
    let body = html! {
        h1 { "Log in" }
        @if visitor.can_log_in {
            p.lead { "Whoever is logged in may decide on holds, edit maps and start runs, and sees customers." }
            form.stack method="post" action=(PATH) {
                (csrf_field(&csrf))
                input type="hidden" name="next" value=(next);
                // There is one for all: what a password manager keeps it under.
                input type="text" name="user" value="stemsync" autocomplete="username" readonly hidden;
                label for="password" { "Password" }
                input #password type="password" name="password" autocomplete="current-password" required autofocus
                    maxlength="1000" aria-describedby=[wrong.map(|_| "wrong")] aria-invalid=[wrong.map(|_| "true")];
                @if let Some(wrong) = wrong { p #wrong .bad role="alert" { (wrong) } }
                button type="submit" { "Log in" }
            }
        } @else {
            p.lead { (NO_PASSWORD) }
            p { a href="/" { "To the overview" } }
        }
    };
    let mut response = shell::page(visitor, Place::None, "Log in", body);
    if wrong.is_some() {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
    }
    let cookie = cookie(&name, &token, Some(3600), is_https(headers, ends));
    with_cookies(response, &[cookie])
}

async fn log_in(
    visitor: Visitor,
    Extension(access): Extension<Access>,
    Extension(ends): Extension<Ends>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Trouble> {
    if !visitor.can_log_in {
        return Err(Trouble::not_logged_in(false));
    }
    let name = login_cookie(ends);
    let known = sessions::cookie(&headers, &name).ok_or_else(Trouble::stale_form)?;
    let csrf = access.sessions().of_login(&known);
    forms::check_csrf(&headers, &body, &csrf)?;
    let next = forms::field(&body, "next");
    let next = place_of(next.as_deref());
    let typed = forms::field(&body, "password").unwrap_or_default();
    let peer = peer(&headers, ends);
    let wait = |wait: Duration| Trouble::locked(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
    access.guesses().begin(peer, Instant::now()).map_err(wait)?;
    if !access.sessions().is_password(&typed) {
        log::warn!("status page: a wrong password from {peer}");
        let locked = access.guesses().was_wrong(peer, Instant::now());
        tokio::time::sleep(PENALTY).await;
        return match locked {
            Some(time) => Err(wait(time)),
            None => Ok(draw(&visitor, &access, ends, &headers, next, Some("That is not the password."))),
        };
    }
    access.guesses().was_right(peer);
    // The session of whoever was logged in here before is over.
    let cookie_name = sessions::name(ends.here);
    if let Some(before) = sessions::cookie(&headers, &cookie_name) {
        access.sessions().close(&before);
    }
    let token = access.sessions().open(Instant::now());
    log::info!("status page: somebody logged in from {peer}");
    let is_https = is_https(&headers, ends);
    let cookies = [cookie(&cookie_name, &token, None, is_https), cookie(&name, "", Some(0), is_https)];
    Ok(with_cookies(Redirect::to(next).into_response(), &cookies))
}

async fn log_out(
    Extension(access): Extension<Access>,
    Extension(ends): Extension<Ends>,
    headers: HeaderMap,
) -> Response {
    let name = sessions::name(ends.here);
    if let Some(token) = sessions::cookie(&headers, &name) {
        access.sessions().close(&token);
    }
    with_cookies(Redirect::to("/").into_response(), &[cookie(&name, "", Some(0), is_https(&headers, ends))])
}

/// Where to go after the login: only to a view of ours.
fn place_of(next: Option<&str>) -> &str {
    let is_ours = |next: &&str| {
        next.starts_with('/')
            && !next.starts_with("//")
            && next.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_?=&.%+".contains(&b))
    };
    next.filter(is_ours).unwrap_or("/")
}

fn login_cookie(ends: Ends) -> String {
    format!("{}_login", sessions::name(ends.here))
}

/// No script reads it, and no other site's page has it sent. It lasts `seconds`, or as long as the browser runs.
fn cookie(name: &str, value: &str, seconds: Option<u32>, is_https: bool) -> String {
    let age = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    let secure = if is_https { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{age}{secure}")
}

fn with_cookies(mut response: Response, cookies: &[String]) -> Response {
    for cookie in cookies {
        if let Ok(cookie) = cookie.parse() {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    response
}

/// What a reverse proxy on this machine says of its client; nobody else is believed.
fn forwarded<'h>(headers: &'h HeaderMap, ends: Ends, name: &str) -> Option<&'h str> {
    if !ends.peer.ip().to_canonical().is_loopback() {
        return None;
    }
    // Each proxy adds its client at the end: the last one is the proxy's own word.
    headers.get_all(name).iter().next_back()?.to_str().ok()?.rsplit(',').next().map(str::trim)
}

fn is_https(headers: &HeaderMap, ends: Ends) -> bool {
    forwarded(headers, ends, "x-forwarded-proto").is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

fn peer(headers: &HeaderMap, ends: Ends) -> IpAddr {
    let told = forwarded(headers, ends, "x-forwarded-for").and_then(|address| address.parse().ok());
    told.unwrap_or(ends.peer.ip()).to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_login_one_goes_nowhere_else() {
        for next in ["/", "/orders?q=AX-1&page=2", "/holds/12"] {
            assert_eq!(place_of(Some(next)), next);
        }
        for next in
            ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "", "/\r\nSet-Cookie: a"]
        {
            assert_eq!(place_of(Some(next)), "/", "{next}");
        }
    }

    #[test]
    fn only_a_proxy_on_this_machine_is_believed() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "1.1.1.1, 2.2.2.2".parse().expect("a header"));
        headers.append("x-forwarded-proto", "https".parse().expect("a header"));
        let here = ([10, 0, 0, 1], 8787).into();
        let local = Ends { peer: ([127, 0, 0, 1], 5).into(), here };
        let remote = Ends { peer: ([10, 0, 0, 9], 5).into(), here };
        assert_eq!(peer(&headers, local), IpAddr::from([2, 2, 2, 2]));
        assert_eq!(peer(&headers, remote), IpAddr::from([10, 0, 0, 9]));
        assert!(is_https(&headers, local) && !is_https(&headers, remote));
    }
}
