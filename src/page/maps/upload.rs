//! A file that comes with a form (RFC 7578), which is all that the page needs of multipart.

/// The content of the part `name`; `None` where there is no such part, or it is empty.
pub(super) fn part<'b>(content_type: &str, body: &'b [u8], name: &str) -> Option<&'b [u8]> {
    let boundary =
        content_type.split(';').find_map(|field| field.trim().strip_prefix("boundary="))?.trim_matches('"');
    if boundary.is_empty() || boundary.len() > 70 {
        return None;
    }
    let delimiter = format!("--{boundary}");
    let mut parts = split(body, delimiter.as_bytes());
    parts.next();
    let wanted = format!("name=\"{name}\"");
    let content = parts.find_map(|part| {
        let at = find(part, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&part[..at]).into_owned();
        let is_it = head.lines().any(|line| {
            line.to_ascii_lowercase().starts_with("content-disposition:")
                && line.split(';').any(|field| field.trim() == wanted)
        });
        is_it.then(|| part[at + 4..].strip_suffix(b"\r\n").unwrap_or(&part[at + 4..]))
    })?;
    (!content.is_empty()).then_some(content)
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// What stands between the delimiters.
fn split<'b>(mut text: &'b [u8], delimiter: &[u8]) -> impl Iterator<Item = &'b [u8]> {
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let Some(at) = find(text, delimiter) else {
            ended = true;
            return Some(text);
        };
        let part = &text[..at];
        text = &text[at + delimiter.len()..];
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "multipart/form-data; boundary=xYz";

    #[test]
    fn the_file_is_found_between_its_delimiters() {
        let body = b"--xYz\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nabc\r\n--xYz\r\n\
                     content-disposition: form-data; name=\"csv\"; filename=\"a;name=.csv\"\r\nContent-Type: text/csv\r\n\r\n\
                     a,b\r\n1,2\r\n\r\n--xYz--\r\n";
        assert_eq!(part(KIND, body, "csv"), Some(&b"a,b\r\n1,2\r\n"[..]));
        assert_eq!(part(KIND, body, "csrf"), Some(&b"abc"[..]));
        assert_eq!(part(KIND, body, "other"), None);
    }

    #[test]
    fn nonsense_is_no_file() {
        for (kind, body) in [
            ("", &b"--xYz"[..]),
            ("multipart/form-data", b""),
            ("a; boundary=", b"--\r\n\r\n"),
            (KIND, b"--xYz"),
            (KIND, b"--xYz\r\n\r\n"),
            (KIND, b"\r\n\r\n--xYzname=\"csv\"\r\n\r\nx"),
            (KIND, b"--xYz\r\nContent-Disposition: form-data; name=\"csv\"\r\n\r\n\r\n--xYz--"),
        ] {
            assert_eq!(part(kind, body, "csv"), None, "{kind} {body:?}");
        }
    }
}
