//! HMAC-SHA-256 (RFC 2104) with the key's part of the work done once. It must not know what is signed.
//!
//! The `hmac` crate stands for every other hash; this one is on every hot path, and over SHA-256's bare compression a
//! short message costs no copy of hashing states.

use std::fmt;

use sha2::block_api::compress256;

/// Bytes that SHA-256 takes at once.
pub(crate) const BLOCK: usize = 64;

/// Initial hash value (FIPS 180-4 section 5.3.3).
const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// SHA-256 of a message.
pub(crate) fn sha256(message: &[u8]) -> [u8; 32] {
    let mut state = START;
    let (blocks, rest) = message.as_chunks();
    compress256(&mut state, blocks);
    end(&mut state, rest, message.len());
    bytes(state)
}

/// A key, as both of its hashes begin.
#[derive(Clone)]
pub struct HmacSha256 {
    inner: [u32; 8],
    outer: [u32; 8],
}

impl fmt::Debug for HmacSha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacSha256([redacted])")
    }
}

impl HmacSha256 {
    /// Prepares a key of any length.
    pub fn new(key: &[u8]) -> Self {
        let mut block = [0; BLOCK];
        let short: [u8; 32];
        let key = if key.len() > BLOCK {
            short = sha256(key);
            &short
        } else {
            key
        };
        for (place, byte) in block.iter_mut().zip(key) {
            *place = *byte;
        }
        let begin = |pad: u8| {
            let mut state = START;
            compress256(&mut state, &[block.map(|byte| byte ^ pad)]);
            state
        };
        Self { inner: begin(0x36), outer: begin(0x5c) }
    }

    /// The MAC of a message.
    pub fn mac(&self, message: &[u8]) -> [u8; 32] {
        let mut running = self.start();
        let (blocks, rest) = message.as_chunks();
        running.blocks(blocks);
        running.finish(rest)
    }

    /// Begins a message that comes in pieces.
    pub fn start(&self) -> Running<'_> {
        Running { key: self, state: self.inner, length: 0 }
    }
}

/// A message that comes in pieces: whole blocks, then the rest.
pub struct Running<'k> {
    key: &'k HmacSha256,
    state: [u32; 8],
    /// Bytes of the message so far.
    length: usize,
}

impl Running<'_> {
    /// Takes whole blocks.
    pub fn blocks(&mut self, blocks: &[[u8; BLOCK]]) {
        compress256(&mut self.state, blocks);
        self.length += blocks.len() * BLOCK;
    }

    /// Takes the last bytes, and gives the MAC.
    pub fn finish(mut self, rest: &[u8]) -> [u8; 32] {
        let (blocks, rest) = rest.as_chunks();
        self.blocks(blocks);
        // The key's block came first.
        end(&mut self.state, rest, BLOCK + self.length + rest.len());
        let mut state = self.key.outer;
        let inner = bytes(self.state);
        end(&mut state, &inner, BLOCK + inner.len());
        bytes(state)
    }
}

/// Hashes the last, short piece of a message of `length` bytes with its padding (FIPS 180-4 section 5.1.1).
fn end(state: &mut [u32; 8], rest: &[u8], length: usize) {
    let mut last = [0; BLOCK];
    let (text, after) = last.split_at_mut(rest.len());
    text.copy_from_slice(rest);
    if let Some(mark) = after.first_mut() {
        *mark = 0x80;
    }
    // Mark and length need nine bytes; where there are fewer, another block has them.
    if after.len() < 9 {
        compress256(state, &[last]);
        last = [0; BLOCK];
    }
    if let Some(place) = last.last_chunk_mut() {
        *place = (length as u64).wrapping_mul(8).to_be_bytes();
    }
    compress256(state, &[last]);
}

fn bytes(state: [u32; 8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (place, word) in out.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *place = word.to_be_bytes();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use hmac::{Hmac, KeyInit as _, Mac as _};
    use sha2::{Digest as _, Sha256};

    #[test]
    fn rfc_4231_holds() {
        // RFC 4231 sections 4.2, 4.3 and 4.7.
        let cases: [(&[u8], &[u8], &str); 3] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, message, expected) in cases {
            assert_eq!(crate::encoding::encode_hex(&HmacSha256::new(key).mac(message)), expected);
        }
    }

    #[test]
    fn every_length_of_key_and_message_gives_what_the_hmac_crate_gives() {
        let bytes: Vec<u8> = (0..=255).cycle().take(400).collect();
        for key in [0, 1, 32, 63, 64, 65, 200] {
            for length in 0..=300 {
                let (key, message) = (&bytes[..key], &bytes[7..7 + length]);
                let mut theirs = Hmac::<Sha256>::new_from_slice(key).unwrap();
                theirs.update(message);
                let ours = HmacSha256::new(key);
                assert_eq!(sha256(message)[..], Sha256::digest(message)[..]);
                assert_eq!(ours.mac(message)[..], theirs.finalize().into_bytes()[..], "{length}");
                let mut running = ours.start();
                let cut = length / 2 / BLOCK * BLOCK;
                running.blocks(message[..cut].as_chunks().0);
                assert_eq!(running.finish(&message[cut..]), ours.mac(message), "{length} in pieces");
            }
        }
    }
}
