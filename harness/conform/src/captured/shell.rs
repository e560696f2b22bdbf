//! Words of a POSIX shell command, with `$'…'` as browsers copy it. It must not expand anything.

use bearproof_scheme::Fault;

use super::place::Text;

/// A word and where it begins.
pub(super) struct Word {
    pub(super) bytes: Vec<u8>,
    pub(super) at: usize,
}

/// The words of the first command from `start` on.
pub(super) fn words(text: &Text<'_>, start: usize) -> Result<Vec<Word>, Fault> {
    let mut reader = Reader { text, at: start };
    let mut words = Vec::new();
    while let Some(word) = reader.word()? {
        words.push(word);
    }
    Ok(words)
}

struct Reader<'r, 't> {
    text: &'r Text<'t>,
    at: usize,
}

impl Reader<'_, '_> {
    fn peek(&self) -> Option<u8> {
        self.text.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Past blanks and continued lines.
    fn skip(&mut self) {
        loop {
            let step = match self.text.from(self.at) {
                [b' ' | b'\t' | b'\r', ..] => 1,
                [b'\\', b'\n', ..] => 2,
                [b'\\', b'\r', b'\n', ..] => 3,
                _ => return,
            };
            self.at += step;
        }
    }

    fn word(&mut self) -> Result<Option<Word>, Fault> {
        self.skip();
        let at = self.at;
        let mut bytes = Vec::new();
        let mut any = false;
        loop {
            let here = self.at;
            match self.peek() {
                None | Some(b' ' | b'\t' | b'\n' | b'\r') => break,
                Some(b'\'') => {
                    self.at += 1;
                    self.single(here, &mut bytes)?;
                }
                Some(b'"') => {
                    self.at += 1;
                    self.double(here, &mut bytes)?;
                }
                Some(b'$') if self.text.bytes.get(here + 1) == Some(&b'\'') => {
                    self.at += 2;
                    self.escaped(here, &mut bytes)?;
                }
                Some(b'$' | b'`') => return Err(self.expansion(here)),
                Some(b'|' | b';' | b'>' | b'<') => {
                    let remedy = "give the curl command alone, and quote what is part of a value";
                    return Err(self.text.fault(here, "the shell would start something else here", remedy));
                }
                Some(b'\\') => {
                    self.at += 1;
                    match self.next() {
                        Some(b'\n') => {}
                        Some(byte) => bytes.push(byte),
                        None => {
                            return Err(self.text.fault(
                                here,
                                "a backslash ends the command",
                                "leave it out",
                            ));
                        }
                    }
                }
                Some(byte) => {
                    self.at += 1;
                    bytes.push(byte);
                }
            }
            any = true;
        }
        Ok(any.then_some(Word { bytes, at }))
    }

    fn expansion(&self, at: usize) -> Fault {
        let remedy = "write the value itself; what the shell would put here is not known";
        self.text.fault(at, "the shell would replace this", remedy)
    }

    fn open(&self, at: usize) -> Fault {
        self.text.fault(at, "this quote is never closed", "copy the whole command")
    }

    fn single(&mut self, start: usize, bytes: &mut Vec<u8>) -> Result<(), Fault> {
        loop {
            match self.next() {
                Some(b'\'') => return Ok(()),
                Some(byte) => bytes.push(byte),
                None => return Err(self.open(start)),
            }
        }
    }

    fn double(&mut self, start: usize, bytes: &mut Vec<u8>) -> Result<(), Fault> {
        loop {
            let here = self.at;
            match self.next() {
                Some(b'"') => return Ok(()),
                Some(b'$' | b'`') => return Err(self.expansion(here)),
                Some(b'\\') => match self.next() {
                    Some(b'\n') => {}
                    Some(byte @ (b'"' | b'\\' | b'$' | b'`')) => bytes.push(byte),
                    Some(byte) => bytes.extend([b'\\', byte]),
                    None => return Err(self.open(start)),
                },
                Some(byte) => bytes.push(byte),
                None => return Err(self.open(start)),
            }
        }
    }

    /// `$'…'` with the escapes of ANSI C.
    fn escaped(&mut self, start: usize, bytes: &mut Vec<u8>) -> Result<(), Fault> {
        loop {
            let here = self.at;
            match self.next() {
                Some(b'\'') => return Ok(()),
                Some(b'\\') => match self.next() {
                    Some(b'n') => bytes.push(b'\n'),
                    Some(b'r') => bytes.push(b'\r'),
                    Some(b't') => bytes.push(b'\t'),
                    Some(byte @ (b'\\' | b'\'' | b'"' | b'?')) => bytes.push(byte),
                    Some(b'x') => {
                        // Two digits are one byte.
                        let [byte, ..] = self.hex(here, 2)?.to_le_bytes();
                        bytes.push(byte);
                    }
                    Some(b'u') => self.unicode(here, 4, bytes)?,
                    Some(b'U') => self.unicode(here, 8, bytes)?,
                    Some(_) => {
                        let remedy = "known are \\n \\r \\t \\\\ \\' \\\" \\xHH \\uHHHH \\UHHHHHHHH";
                        return Err(self.text.fault(here, "this escape is not known", remedy));
                    }
                    None => return Err(self.open(start)),
                },
                Some(byte) => bytes.push(byte),
                None => return Err(self.open(start)),
            }
        }
    }

    /// Up to `most` hex digits, at least one.
    fn hex(&mut self, at: usize, most: usize) -> Result<u32, Fault> {
        let rest = self.text.from(self.at);
        let digits: String =
            rest.iter().take(most).take_while(|b| b.is_ascii_hexdigit()).map(|b| char::from(*b)).collect();
        self.at += digits.len();
        u32::from_str_radix(&digits, 16)
            .map_err(|_| self.text.fault(at, "this escape has no hex digits", "write such as \\x41"))
    }

    fn unicode(&mut self, at: usize, most: usize, bytes: &mut Vec<u8>) -> Result<(), Fault> {
        let number = self.hex(at, most)?;
        let Some(character) = char::from_u32(number) else {
            let remedy = "write characters beyond U+FFFF as \\UHHHHHHHH";
            return Err(self.text.fault(at, "this escape is no character", remedy));
        };
        bytes.extend(character.to_string().into_bytes());
        Ok(())
    }
}
