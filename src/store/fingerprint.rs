//! Fingerprints of views, by which something read twice is known to be unchanged without decoding what is stored.
//! They are kept in the database, so the function must never change: FNV-1a over the JSON text, 64 bits.

use std::io;

use serde::Serialize;

use super::StoreError;

/// FNV-1a, fed as a writer so that no text has to be built. A collision would hide one change of one order;
/// at 64 bits and a handful of versions per order that does not happen.
struct Fnv(u64);

impl Fnv {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
}

impl io::Write for Fnv {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(Self::PRIME);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The fingerprint of what `content` serialises to, as SQLite's signed integer.
pub(super) fn of(content: &impl Serialize) -> Result<i64, StoreError> {
    let mut fnv = Fnv(Fnv::OFFSET);
    serde_json::to_writer(&mut fnv, content).map_err(|e| StoreError::document("fingerprint", e))?;
    Ok(fnv.0.cast_signed())
}

/// The fingerprint of a text.
pub(super) fn of_text(text: &str) -> i64 {
    let mut fnv = Fnv(Fnv::OFFSET);
    // Writing into the hash cannot fail: the writer above always says `Ok`.
    let _ = io::Write::write(&mut fnv, text.as_bytes());
    fnv.0.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_is_fnv_1a_forever() {
        assert_eq!(of_text("foobar").cast_unsigned(), 0x8594_4171_f739_67e8);
    }
}
