//! A short, stable name for a value: equal values have equal fingerprints in every version of stemsync, so they may
//! be kept in the database.

use serde::Serialize;

/// The 64-bit FNV-1a hash of `value`'s JSON text. It recognises what was seen before; it is no protection against
/// somebody who wants a collision, and need not be: whoever writes our input can change it openly.
pub fn fingerprint(value: &impl Serialize) -> u64 {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    // Writing into the hash cannot fail, and the domain's types have no maps with keys that JSON refuses.
    let _ = serde_json::to_writer(&mut hash, value);
    hash.0
}

struct Fnv(u64);

impl std::io::Write for Fnv {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
