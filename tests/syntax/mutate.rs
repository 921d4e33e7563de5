//! Random damage, the same on every run.

/// A small generator of random numbers (xorshift).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).expect("below a usize")
    }
}

/// One to eight changes: a byte lost, a character of the format put in, a stretch doubled, moved or cut off.
pub(crate) fn mutate(bytes: &[u8], alphabet: &[&str], random: &mut Random) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=random.below(8) {
        let at = random.below(out.len() + 1);
        let stretch = at..(at + random.below(40)).min(out.len());
        match random.below(6) {
            0 if at < out.len() => drop(out.remove(at)),
            1 => {
                let copy = out[stretch.clone()].to_vec();
                out.splice(at..at, copy);
            }
            2 => {
                let moved: Vec<u8> = out.drain(stretch).collect();
                let to = random.below(out.len() + 1);
                out.splice(to..to, moved);
            }
            3 if random.below(8) == 0 => out.truncate(at),
            _ => {
                let piece = alphabet[random.below(alphabet.len())];
                out.splice(at..at, piece.bytes());
            }
        }
    }
    out
}
