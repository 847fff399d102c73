//! Rows of a CSV file as a stream, each with its line. A row that can't be read is told and
//! skipped; the next one is found again even after a quotation mark that is never closed, which
//! would otherwise swallow what follows.

use std::{collections::VecDeque, io::BufRead};

use super::sniff::{Alphabet, Scan, separator_hint};

/// Longest row, in bytes.
const LONGEST_ROW: usize = 64 * 1024;
/// Most lines one row may have, by line breaks inside quotation marks.
const MOST_LINES: usize = 100;

/// A row of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The line it begins on; the header is on line 1.
    pub line: u64,
    pub cells: Result<Vec<String>, BrokenRow>,
}

/// A row that can't be told apart into cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BrokenRow {
    pub reason: &'static str,
    /// The row as far as it can be shown.
    pub text: String,
}

/// Reads rows.
#[derive(Debug)]
pub(super) struct Rows<R> {
    input: R,
    alphabet: Alphabet,
    delimiter: u8,
    line_end: u8,
    /// The line that was read last.
    line: u64,
    /// Lines read ahead that were not part of the row after all.
    ahead: VecDeque<Line>,
    /// How many cells the header has.
    width: Option<usize>,
    done: bool,
}

#[derive(Clone, Debug)]
struct Line {
    number: u64,
    bytes: Vec<u8>,
    /// Longer than a row may be; the rest was dropped.
    cut: bool,
}

impl<R: BufRead> Rows<R> {
    pub(super) fn new(input: R, scan: &Scan) -> Self {
        Self {
            input,
            alphabet: scan.alphabet,
            delimiter: scan.delimiter,
            line_end: scan.line_end,
            line: 0,
            ahead: VecDeque::new(),
            width: None,
            done: false,
        }
    }

    /// Whether [`Rows::next`] has come to the end.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// The next row that is not blank; nothing at the end. The first one read is the header.
    pub(super) fn next(&mut self) -> std::io::Result<Option<Row>> {
        loop {
            let Some(first) = self.line()? else {
                self.done = true;
                return Ok(None);
            };
            let hint = first.number == 1 && separator_hint(&first.bytes).is_some();
            if hint || first.bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let row = self.row(first)?;
            if let Ok(cells) = &row.cells {
                self.width.get_or_insert(cells.len());
            }
            return Ok(Some(row));
        }
    }

    fn row(&mut self, first: Line) -> std::io::Result<Row> {
        let broken = |reason, text: &[u8]| {
            let text: String = String::from_utf8_lossy(text).chars().take(2000).collect();
            Row {
                line: first.number,
                cells: Err(BrokenRow { reason, text }),
            }
        };
        if first.cut {
            return Ok(broken("The row is longer than 64 kB", &first.bytes));
        }
        let mut splitter = Splitter::new(self.delimiter);
        let mut more: Vec<Line> = Vec::new();
        let mut size = first.bytes.len();
        splitter.feed(&first.bytes);
        while splitter.is_open() && more.len() < MOST_LINES && size < LONGEST_ROW {
            let Some(line) = self.line()? else {
                break;
            };
            size += line.bytes.len();
            splitter.feed_next(&line.bytes);
            let cut = line.cut;
            more.push(line);
            if cut {
                break;
            }
        }
        let spanned = !more.is_empty();
        let right_width = |cells: &Vec<Vec<u8>>| self.width.is_none_or(|w| w == cells.len());
        // Over several lines, a wrong width means that the mark closed by chance.
        let cells = splitter.finish().filter(|cells| !spanned || right_width(cells));
        let cells = match cells {
            None => {
                for line in more.into_iter().rev() {
                    self.ahead.push_front(line);
                }
                self.alone(&first.bytes).filter(right_width)
            }
            cells => cells,
        };
        let Some(cells) = cells else {
            return Ok(broken("A quotation mark is opened and not closed", &first.bytes));
        };
        let text: Option<Vec<String>> = cells.iter().map(|c| decode(c, self.alphabet)).collect();
        Ok(match text {
            Some(cells) => Row {
                line: first.number,
                cells: Ok(cells),
            },
            None => broken("The row has bytes that are not text in UTF-8", &first.bytes),
        })
    }

    /// A line whose marks don't fit, read as if a mark behind a space were a letter.
    fn alone(&self, line: &[u8]) -> Option<Vec<Vec<u8>>> {
        let mut splitter = Splitter::new(self.delimiter);
        splitter.padded = false;
        splitter.feed(line);
        splitter.finish()
    }

    /// The next line without its end.
    fn line(&mut self) -> std::io::Result<Option<Line>> {
        if let Some(line) = self.ahead.pop_front() {
            return Ok(Some(line));
        }
        let mut bytes = Vec::new();
        let mut cut = false;
        let mut any = false;
        loop {
            let piece = self.input.fill_buf()?;
            if piece.is_empty() {
                break;
            }
            any = true;
            let end = memchr::memchr(self.line_end, piece);
            let upto = end.unwrap_or(piece.len());
            let room = LONGEST_ROW.saturating_sub(bytes.len());
            cut |= upto > room;
            bytes.extend(piece.iter().take(upto.min(room)));
            self.input.consume(end.map_or(upto, |e| e + 1));
            if end.is_some() {
                break;
            }
        }
        if !any {
            return Ok(None);
        }
        self.line += 1;
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        if self.line == 1 && bytes.starts_with(&[0xEF, 0xBB, 0xBF]) {
            bytes.drain(..3);
        }
        Ok(Some(Line {
            number: self.line,
            bytes,
            cut,
        }))
    }
}

fn decode(bytes: &[u8], alphabet: Alphabet) -> Option<String> {
    match alphabet {
        // UTF-16 is read as UTF-8.
        Alphabet::Utf8 | Alphabet::Utf16(_) => std::str::from_utf8(bytes).ok().map(str::to_owned),
        Alphabet::Windows1252 => Some(bytes.iter().map(|b| windows_1252(*b)).collect()),
    }
}

fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9F => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// Splits a row into cells, a line at a time.
#[derive(Debug)]
struct Splitter {
    delimiter: u8,
    cells: Vec<Vec<u8>>,
    cell: Vec<u8>,
    at: At,
    /// A quotation mark may have spaces before it.
    padded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Nothing of the cell was read.
    Start,
    /// Spaces alone.
    Space,
    Plain,
    Quoted,
    /// A mark inside a quoted cell: its end, or the first of two that stand for one.
    Mark,
    /// Something other than a delimiter after the end of a quoted cell.
    Broken,
}

impl Splitter {
    fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            cells: Vec::new(),
            cell: Vec::new(),
            at: At::Start,
            padded: true,
        }
    }

    fn is_open(&self) -> bool {
        self.at == At::Quoted
    }

    fn feed_next(&mut self, line: &[u8]) {
        self.cell.push(b'\n');
        self.feed(line);
    }

    fn feed(&mut self, line: &[u8]) {
        for byte in line {
            let is_end = *byte == self.delimiter;
            self.at = match (self.at, *byte) {
                (At::Start | At::Space | At::Plain | At::Mark, _) if is_end => {
                    self.cells.push(std::mem::take(&mut self.cell));
                    At::Start
                }
                (At::Start, b'"') => At::Quoted,
                (At::Space, b'"') => {
                    self.cell.clear();
                    At::Quoted
                }
                (At::Start | At::Space, b' ') if self.padded => {
                    self.cell.push(b' ');
                    At::Space
                }
                (At::Start | At::Space | At::Plain, b) => {
                    self.cell.push(b);
                    At::Plain
                }
                (At::Quoted, b'"') => At::Mark,
                (At::Quoted, b) => {
                    self.cell.push(b);
                    At::Quoted
                }
                (At::Mark, b'"') => {
                    self.cell.push(b'"');
                    At::Quoted
                }
                (At::Mark, b' ' | b'\r') => At::Mark,
                (At::Mark | At::Broken, _) => At::Broken,
            };
        }
    }

    fn finish(mut self) -> Option<Vec<Vec<u8>>> {
        if matches!(self.at, At::Quoted | At::Broken) {
            return None;
        }
        self.cells.push(self.cell);
        Some(self.cells)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &[u8], alphabet: Alphabet) -> Vec<(u64, Result<Vec<String>, &'static str>)> {
        let scan = Scan {
            sha256: String::new(),
            bytes: 0,
            alphabet,
            delimiter: b',',
            line_end: b'\n',
        };
        let mut rows = Rows::new(text, &scan);
        let mut all = Vec::new();
        while let Ok(Some(row)) = rows.next() {
            all.push((row.line, row.cells.map_err(|b| b.reason)));
        }
        all
    }

    fn cells(of: &[&str]) -> Result<Vec<String>, &'static str> {
        Ok(of.iter().map(|c| (*c).to_owned()).collect())
    }

    #[test]
    fn quotes_breaks_and_blank_lines_are_read() {
        let text = b"\xEF\xBB\xBFname,note\r\n\r\n\"Okafor, Amara\",\"two\nlines, \"\"so\"\"\"\r\nBen,5\" chain\n";
        assert_eq!(
            rows(text, Alphabet::Utf8),
            [
                (1, cells(&["name", "note"])),
                (3, cells(&["Okafor, Amara", "two\nlines, \"so\""])),
                (5, cells(&["Ben", "5\" chain"])),
            ]
        );
    }

    #[test]
    fn spaces_before_a_quotation_mark_are_nothing() {
        let text = b"name , tags \n Amara ,  \"vip, \"\"gold\"\"\"  \nBen, \"hi\" he said\nChi, \"open\nDora,x\n";
        assert_eq!(
            rows(text, Alphabet::Utf8),
            [
                (1, cells(&["name ", " tags "])),
                (2, cells(&[" Amara ", "vip, \"gold\""])),
                (3, cells(&["Ben", " \"hi\" he said"])),
                (4, cells(&["Chi", " \"open"])),
                (5, cells(&["Dora", "x"])),
            ]
        );
    }

    #[test]
    fn a_hint_about_the_separator_is_no_header() {
        let text = b"\xEF\xBB\xBFsep=,\r\nname,note\r\nsep=,x\r\n";
        let got = rows(text, Alphabet::Utf8);
        assert_eq!(got[0], (2, cells(&["name", "note"])));
        assert_eq!(got[1], (3, cells(&["sep=", "x"])));
    }

    #[test]
    fn an_open_mark_loses_its_own_row_only() {
        let open = "A quotation mark is opened and not closed";
        let text = b"name,note\nAmara,\"open\nBen,x\nChi,\"y, z\"\nDora,w\nEve,\"a\"b\nFay,q\nGus,\"end\n";
        assert_eq!(
            rows(text, Alphabet::Utf8),
            [
                (1, cells(&["name", "note"])),
                (2, Err(open)),
                (3, cells(&["Ben", "x"])),
                (4, cells(&["Chi", "y, z"])),
                (5, cells(&["Dora", "w"])),
                (6, Err(open)),
                (7, cells(&["Fay", "q"])),
                (8, Err(open)),
            ]
        );
    }

    #[test]
    fn what_is_no_text_and_what_is_too_long_is_told() {
        let mut text = b"name,note\nJos\xE9,x\n".to_vec();
        text.extend(vec![b'a'; 70_000]);
        text.extend(b"\nBen,y\n");
        let got = rows(&text, Alphabet::Utf8);
        assert_eq!(got[1], (2, Err("The row has bytes that are not text in UTF-8")));
        assert_eq!(got[2], (3, Err("The row is longer than 64 kB")));
        assert_eq!(got[3], (4, cells(&["Ben", "y"])));
        assert_eq!(
            rows(b"n\nJos\xE9 \x80\n", Alphabet::Windows1252)[1],
            (2, cells(&["José €"]))
        );
    }
}
