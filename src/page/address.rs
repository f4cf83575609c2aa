//! Addresses of views, with what they are asked for.

use std::fmt::Write;

/// `path?name=value&…` of the fields that have a value.
pub(super) fn address(path: &str, fields: &[(&str, &str)]) -> String {
    let mut address = path.to_owned();
    for (at, (name, value)) in fields.iter().filter(|(_, value)| !value.is_empty()).enumerate() {
        address.push(if at == 0 { '?' } else { '&' });
        address.push_str(name);
        address.push('=');
        address.push_str(&escaped(value));
    }
    address
}

/// As a part of an address.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a `String` does not fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_stays_one_field() {
        let made = address("/orders", &[("q", "a&b=c #é\""), ("stage", ""), ("page", "2")]);
        assert_eq!(made, "/orders?q=a%26b%3Dc%20%23%C3%A9%22&page=2");
    }
}
