//! The world: both simulated systems side by side, and the one door through which requests come in. It is pure: a
//! [`Request`] and the time go in, an [`Outcome`] comes out, so that the HTTP layer stays thin and a deterministic
//! simulation can do without it. Its state is saved as JSON; tokens, faults and the request log are not part of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::axerrio::{AxerrioModel, Call, Problem, Wording};
use super::catalogue::Catalogue;
use super::faults::{Effect, Fault, FaultQueue, RequestLog, RequestRecord, Target};
use super::komet::{Caller, KometModel, KometRules, Method, Refused};
use super::life::Life;
use super::messy::{Answers, Writer};
use crate::systems::System;

/// The largest body that Komet takes, in bytes (clarification 16).
const LARGEST_BODY: usize = 64_000;

/// The tokens that the systems accept. Never saved, never printed.
#[derive(Clone, Default)]
pub struct Tokens {
    /// Komet's Vendor token.
    pub vendor: String,
    /// Komet's Company token, if there is one.
    pub company: Option<String>,
    /// Axerrio's token, accepted as a bearer and as an API key.
    pub axerrio: String,
}

/// A request as it arrives, free of any HTTP library.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `GET`, `POST`, `PUT`.
    pub verb: String,
    /// Path segments, decoded, from the server's root: `komet`, `api`, `prebook.create`.
    pub path: Vec<String>,
    /// Parameters, decoded.
    pub parameters: Vec<(String, String)>,
    /// What `Authorization: Bearer` or `X-Api-Key` held.
    pub credential: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Value of `Content-Type`.
    pub content_type: &'static str,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// What the client gets to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An answer.
    Answer(Reply),
    /// Half of an answer, then the connection breaks.
    Truncated(Reply),
    /// The connection closes.
    Closed,
    /// Nothing for so long, then the connection closes.
    Hang(std::time::Duration),
}

/// Both systems.
#[derive(Serialize, Deserialize)]
pub struct World {
    /// The importer's.
    pub komet: KometModel,
    /// The vendor's.
    pub axerrio: AxerrioModel,
    /// How answers are worded.
    pub answers: Answers,
    /// How far its daily life has come.
    #[serde(default)]
    pub life: Life,
    /// Requests answered, so that messy answers differ from one to the next.
    answered: u64,
    #[serde(skip)]
    tokens: Tokens,
    #[serde(skip)]
    faults: FaultQueue,
    #[serde(skip)]
    log: RequestLog,
    /// Requests whose effect comes late.
    #[serde(skip)]
    delayed: Vec<Request>,
}

/// Where a request goes.
enum Route {
    Komet(Option<Method>),
    Axerrio(Option<Call>),
}

impl Route {
    fn of(request: &Request) -> Option<Self> {
        let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["komet", "api", method] => Some(Self::Komet(Method::named(method))),
            ["axerrio", "api", "v1", ..] => Some(Self::Axerrio(Call::of(&request.verb, &request.path[3..]))),
            _ => None,
        }
    }

    fn system(&self) -> System {
        match self {
            Self::Komet(_) => System::Komet,
            Self::Axerrio(_) => System::Axerrio,
        }
    }

    fn method(&self) -> &'static str {
        match self {
            Self::Komet(method) => method.map_or("?", Method::name),
            Self::Axerrio(call) => call.as_ref().map_or("?", Call::name),
        }
    }

    fn is_write(&self) -> bool {
        match self {
            Self::Komet(method) => method.is_some_and(Method::is_write),
            Self::Axerrio(call) => call.as_ref().is_some_and(Call::is_write),
        }
    }
}

impl World {
    /// A world without orders.
    pub fn new(catalogue: Catalogue, rules: KometRules, answers: Answers) -> Self {
        Self {
            komet: KometModel::new(catalogue, rules),
            axerrio: AxerrioModel::new(),
            answers,
            life: Life::default(),
            answered: 0,
            tokens: Tokens::default(),
            faults: FaultQueue::default(),
            log: RequestLog::default(),
            delayed: Vec::new(),
        }
    }

    /// Reads what [`World::to_json`] wrote.
    pub fn from_json(text: &str) -> serde_json::Result<Self> {
        let mut world: Self = serde_json::from_str(text)?;
        world.komet.reindex();
        world.axerrio.reindex();
        Ok(world)
    }

    /// The state, without tokens, faults and log.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    /// Sets the tokens that are accepted; an empty one accepts nobody.
    pub fn set_tokens(&mut self, tokens: Tokens) {
        self.tokens = tokens;
    }

    /// Makes something go wrong with the requests that `target` names.
    pub fn inject(&mut self, target: Target, fault: Fault) {
        self.faults.push(target, fault);
    }

    /// Takes back every fault that has not happened yet.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// Faults that still wait for their request.
    pub fn faults_waiting(&self) -> usize {
        self.faults.len()
    }

    /// What was asked so far.
    pub fn requests(&self) -> &RequestLog {
        &self.log
    }

    /// Starts the request log anew.
    pub fn clear_requests(&mut self) {
        self.log = RequestLog::default();
    }

    /// Lets the requests take effect that were held back by [`Effect::Late`]. Answers how many there were.
    pub fn release_delayed(&mut self, now: DateTime<Utc>) -> usize {
        let delayed = std::mem::take(&mut self.delayed);
        for request in &delayed {
            if let Some(route) = Route::of(request) {
                self.reply(&route, request, now);
            }
        }
        delayed.len()
    }

    /// Answers a request: the only door from outside.
    pub fn serve(&mut self, request: &Request, now: DateTime<Utc>) -> Outcome {
        let Some(route) = Route::of(request) else {
            return Outcome::Answer(html(404, "Not Found"));
        };
        self.log.record(RequestRecord {
            system: route.system(),
            method: route.method(),
            is_write: route.is_write(),
            bytes: request.body.len(),
        });
        let Some(fault) = self.faults.take(route.system(), route.method()) else {
            return Outcome::Answer(self.reply(&route, request, now));
        };
        match fault {
            Fault::RefusedBefore => Outcome::Closed,
            Fault::AnswerLost => {
                self.reply(&route, request, now);
                Outcome::Closed
            }
            Fault::Hang { open_for, effect } => {
                match effect {
                    Effect::Never => {}
                    Effect::Done => drop(self.reply(&route, request, now)),
                    Effect::Late => self.delayed.push(request.clone()),
                }
                Outcome::Hang(open_for)
            }
            Fault::Http { status, body, headers } => {
                Outcome::Answer(Reply { status, content_type: "application/json", headers, body })
            }
            Fault::Html(status) => Outcome::Answer(html(status, "The upstream server is not available")),
            Fault::Truncated => Outcome::Truncated(self.reply(&route, request, now)),
            Fault::Throttle(wait) => {
                let mut reply = match route.system() {
                    System::Komet => {
                        let mut reply = json("{\"status\":0,\"message\":\"Too many requests\"}".to_owned());
                        reply.status = 429;
                        reply
                    }
                    System::Axerrio => problem(&Problem::new(429, "too many requests")),
                };
                reply.headers.push(("retry-after".to_owned(), wait.as_secs().to_string()));
                Outcome::Answer(reply)
            }
            Fault::Malformed => {
                let reply = self.reply(&route, request, now);
                // Right in form, wrong in every field that matters.
                let body = match route.system() {
                    System::Komet => {
                        "{\"status\":1,\"prebooks\":{\"id\":[]},\"purchaseOrders\":7,\"prebookId\":{}}"
                    }
                    System::Axerrio => "{\"items\":{\"id\":[]},\"id\":{},\"asOf\":17}",
                };
                Outcome::Answer(Reply { body: body.to_owned(), ..reply })
            }
            Fault::DeliveredTwice => {
                self.reply(&route, request, now);
                Outcome::Answer(self.reply(&route, request, now))
            }
            Fault::NotJson => {
                let reply = self.reply(&route, request, now);
                Outcome::Answer(Reply { body: "OK - but not JSON".to_owned(), ..reply })
            }
        }
    }

    fn reply(&mut self, route: &Route, request: &Request, now: DateTime<Utc>) -> Reply {
        self.answered += 1;
        match route {
            Route::Komet(method) => self.komet_reply(*method, request, now),
            Route::Axerrio(call) => self.axerrio_reply(call.as_ref(), request, now),
        }
    }

    fn komet_reply(&mut self, method: Option<Method>, request: &Request, now: DateTime<Utc>) -> Reply {
        let mut out = Writer::new(self.answers, self.answered);
        if request.body.len() > LARGEST_BODY {
            return self.too_large(out);
        }
        let is_read = request.verb == "GET";
        let body = if is_read {
            serde_json::Value::Null
        } else {
            match serde_json::from_slice::<serde_json::Value>(&request.body) {
                Ok(body) if body.is_object() => body,
                _ => return refusal(out, "The request is not valid JSON"),
            }
        };
        // A GET shows its token in the URL, a POST in its body (komet-api.md, "Transport").
        let token = if is_read {
            request
                .parameters
                .iter()
                .find(|(key, _)| key == "authenticationToken")
                .map(|(_, value)| value.as_str())
        } else {
            body.get("authenticationToken").and_then(serde_json::Value::as_str)
        };
        let caller = match token {
            Some(token) if !token.is_empty() && token == self.tokens.vendor => Caller::Vendor,
            Some(token) if !token.is_empty() && Some(token) == self.tokens.company.as_deref() => Caller::Company,
            _ => return refusal(out, "Invalid authentication token"),
        };
        if !self.komet.spend(now) {
            let mut reply = refusal(out, "Daily request limit exceeded");
            if self.komet.rules.limit_is_429 {
                reply.status = 429;
            }
            return reply;
        }
        let Some(method) = method else {
            return refusal(out, "The method is not allowed for this authentication token");
        };
        out.object(|out| {
            let result = if is_read {
                self.komet.read(method, &request.parameters, caller, now, out)
            } else {
                self.komet.write(method, &body, caller, now, out)
            };
            match result {
                Ok(()) => out.status(true, ""),
                Err(Refused(message)) => {
                    let short: String = message.chars().take(500).collect();
                    out.status(false, &short);
                }
            }
        });
        json(out.finish())
    }

    fn too_large(&self, out: Writer) -> Reply {
        let as_413 = self.komet.rules.too_large_is_413 || self.answers.trait_of(4, 2) == 1;
        if as_413 { html(413, "Request Entity Too Large") } else { refusal(out, "The request exceeds 64 KB") }
    }

    fn axerrio_reply(&mut self, call: Option<&Call>, request: &Request, now: DateTime<Utc>) -> Reply {
        let known = !self.tokens.axerrio.is_empty() && request.credential.as_deref() == Some(&self.tokens.axerrio);
        if !known {
            let mut reply = problem(&Problem::new(401, "the token is missing or wrong"));
            reply.headers.push(("www-authenticate".to_owned(), "Bearer".to_owned()));
            return reply;
        }
        let Some(call) = call else { return problem(&Problem::new(404, "there is no such resource")) };
        let wording = Wording { answers: self.answers, counter: self.answered };
        match self.axerrio.answer(call, &request.parameters, &request.body, now, wording) {
            Ok((status, body)) => Reply { status, ..json(body) },
            Err(refused) => problem(&refused),
        }
    }
}

fn json(body: String) -> Reply {
    Reply { status: 200, content_type: "application/json; charset=utf-8", headers: Vec::new(), body }
}

fn refusal(mut out: Writer, message: &str) -> Reply {
    out.object(|out| out.status(false, message));
    json(out.finish())
}

fn problem(problem: &Problem) -> Reply {
    // Texts and a number always serialise.
    let body = serde_json::to_string(problem).unwrap_or_default();
    Reply { status: problem.status, content_type: "application/problem+json", headers: Vec::new(), body }
}

fn html(status: u16, title: &str) -> Reply {
    let body =
        format!("<!DOCTYPE html><html><head><title>{status}</title></head><body><h1>{title}</h1></body></html>");
    Reply { status, content_type: "text/html", headers: Vec::new(), body }
}
