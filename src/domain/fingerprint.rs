//! A short, stable name for a value: equal values have equal fingerprints in every version of stemsync, so they may
//! be kept in the database.

use serde::Serialize;

/// The 64-bit FNV-1a hash of `value`'s JSON text. It recognises what was seen before; it is no protection against
/// somebody who wants a collision, and need not be: whoever writes our input can change it openly.
pub fn fingerprint(value: &impl Serialize) -> u64 {
    let mut hash = Fnv(OFFSET);
    // Writing into the hash cannot fail, and the domain's types have no maps with keys that JSON refuses.
    let _ = serde_json::to_writer(&mut hash, value);
    hash.0
}

/// The same of a text as it is.
pub fn fingerprint_of_text(text: &str) -> u64 {
    let mut hash = Fnv(OFFSET);
    hash.feed(text.as_bytes());
    hash.0
}

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// Fed as a writer, so that no text has to be built.
struct Fnv(u64);

impl Fnv {
    fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    }
}

impl std::io::Write for Fnv {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.feed(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_is_fnv_1a_forever() {
        assert_eq!(fingerprint_of_text("foobar"), 0x8594_4171_f739_67e8);
    }
}
