//! Points from CSV files.

use std::path::Path;

use csv::{ByteRecord, ErrorKind, Position, ReaderBuilder, Trim};

use super::{bad, shortened, unreadable};
use crate::{Error, Result};

/// The numbers, row by row, and the length of a row.
pub(super) fn points(path: &Path) -> Result<(Vec<f64>, usize)> {
    let table = parse(path, &read(path)?, false)?;
    Ok((table.rows, table.width))
}

/// As [`points`], without the last column, which is returned as labels.
pub(super) fn labelled_points(path: &Path) -> Result<(Vec<f64>, usize, Vec<u32>)> {
    let table = parse(path, &read(path)?, true)?;
    Ok((table.rows, table.width - 1, table.labels))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| unreadable(path, e))
}

#[derive(Debug, Default)]
struct Table {
    rows: Vec<f64>,
    /// Columns of the file, the label included.
    width: usize,
    labels: Vec<u32>,
}

fn parse(path: &Path, bytes: &[u8], labelled: bool) -> Result<Table> {
    // flexible, so that rows of another length are rejected below, in our words
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(bytes);
    let mut table = Table::default();
    let mut record = ByteRecord::new();
    let mut first = true;
    while reader.read_byte_record(&mut record).map_err(|e| refused(path, e))? {
        let line = record.position().map(|start| line(bytes, start));
        let header = first && !record.iter().any(|field| number(field).is_some());
        if first {
            table.width = record.len();
            if labelled && table.width < 2 {
                return Err(bad(path, line, "only one column; give at least one column of numbers before the label"));
            }
        }
        first = false;
        if record.len() != table.width {
            let reason = format!("{} columns, but the first line has {}", record.len(), table.width);
            return Err(bad(path, line, reason));
        }
        if header {
            continue;
        }
        for (i, field) in record.iter().enumerate() {
            if labelled && i + 1 == table.width {
                table.labels.push(label(field).ok_or_else(|| {
                    bad(path, line, format!("{}, not a label; labels are whole numbers from 0", place(i, field)))
                })?);
                continue;
            }
            match number(field) {
                Some(x) if x.is_finite() => table.rows.push(x),
                Some(_) => return Err(bad(path, line, format!("{}; remove or replace such rows", place(i, field)))),
                None => return Err(bad(path, line, not_a_number(i, field))),
            }
        }
    }
    if table.rows.is_empty() {
        return Err(bad(path, None, "no rows of numbers; give one point per line, columns separated by commas"));
    }
    if looks_counted(&table) {
        log::warn!("{}: the first row is 0, 1, 2, …; remove it if it is a header", path.display());
    }
    Ok(table)
}

/// The line, from 1, of the record read from `start`; csv counts preceding empty lines as part of the record.
fn line(bytes: &[u8], start: &Position) -> u64 {
    let rest = usize::try_from(start.byte()).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
    let blank = rest.iter().take_while(|b| matches!(b, b'\n' | b'\r'));
    start.line() + blank.filter(|b| **b == b'\n').count() as u64
}

fn number(field: &[u8]) -> Option<f64> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

/// A whole number from 0; `3.0` counts as one, since tables of floats are often written so.
fn label(field: &[u8]) -> Option<u32> {
    let x = number(field)?;
    (x >= 0.0 && x <= f64::from(u32::MAX) && x.fract() == 0.0).then_some(x as u32)
}

fn place(column: usize, field: &[u8]) -> String {
    format!("column {} is '{}'", column + 1, shortened(&String::from_utf8_lossy(field)))
}

fn not_a_number(column: usize, field: &[u8]) -> String {
    let mut reason = format!("{}, not a number", place(column, field));
    if field.is_empty() {
        reason += "; fill the gap or remove the row";
    } else if field.iter().any(|b| matches!(b, b';' | b'\t')) {
        reason += "; separate columns by commas";
    }
    reason
}

/// Whether the first row is 0, 1, 2, …, as pandas writes above a table without column names.
fn looks_counted(table: &Table) -> bool {
    let dimension = table.width - usize::from(!table.labels.is_empty());
    dimension > 2 && table.rows.len() > dimension && table.rows[..dimension].iter().enumerate().all(|(i, &x)| x == i as f64)
}

fn refused(path: &Path, error: csv::Error) -> Error {
    let line = error.position().map(Position::line);
    match error.into_kind() {
        ErrorKind::Io(e) => unreadable(path, e),
        other => bad(path, line, format!("not a CSV table ({other:?})")),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::mutate, *};

    fn table(text: impl AsRef<[u8]>, labelled: bool) -> Result<Table> {
        parse(Path::new("table.csv"), text.as_ref(), labelled)
    }

    fn complaint(text: impl AsRef<[u8]>, labelled: bool) -> String {
        table(text, labelled).unwrap_err().to_string()
    }

    #[test]
    fn header_blanks_and_line_ends() {
        for text in ["1,2\n3,4\n", "x,y\n1,2\n3,4", "\u{feff}x,y\r\n 1 ,\t2\r\n\r\n\"3\",4e0\r\n", "1,2\n\n\n3,4\n\n"] {
            let table = table(text, false).unwrap();
            assert_eq!((table.rows, table.width), (vec![1.0, 2.0, 3.0, 4.0], 2), "{text:?}");
        }
    }

    #[test]
    fn labels() {
        let table = table("a,b,class\n0.5,1.5,7\n2,3,4.0\n", true).unwrap();
        assert_eq!((table.rows, table.labels), (vec![0.5, 1.5, 2.0, 3.0], vec![7, 4]));
        assert!(complaint("1,2,setosa\n", true).contains("line 1: column 3 is 'setosa', not a label"));
        assert!(complaint("1,-1\n", true).contains("column 2 is '-1', not a label"));
        assert!(complaint("1,4294967296\n", true).contains("not a label"));
        assert!(complaint("1\n2\n", true).contains("one column"));
    }

    #[test]
    fn complaints_name_the_place() {
        assert_eq!(complaint("1,2\n3\n", false), "table.csv, line 2: 1 columns, but the first line has 2");
        assert_eq!(complaint("x,y\n\n1,two\n", false), "table.csv, line 3: column 2 is 'two', not a number");
        assert!(complaint("1,2\n3,\n", false).contains("line 2: column 2 is '', not a number; fill the gap"));
        assert!(complaint("1,2\nNaN,4\n", false).contains("line 2: column 1 is 'NaN'; remove or replace"));
        assert!(complaint("1,2\n4,inf\n", false).contains("line 2: column 2 is 'inf'"));
        assert!(complaint("x;y\n1;2\n", false).contains("line 2: column 1 is '1;2', not a number; separate columns by commas"));
        assert!(complaint("", false).contains("no rows"));
        assert!(complaint("x,y\n", false).contains("no rows"));
        assert!(complaint("\n\n", false).contains("no rows"));
        assert!(complaint([0x93, b'N', b'\n', 0xff, 0, b'\n'], false).contains("line 2"));
    }

    #[test]
    fn counted_first_row_is_suspect() {
        assert!(looks_counted(&table("0,1,2\n5,6,7\n", false).unwrap()));
        assert!(!looks_counted(&table("0,1,3\n5,6,7\n", false).unwrap()));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = points(Path::new("/nowhere/table.csv")).unwrap_err().to_string();
        assert!(error.starts_with("/nowhere/table.csv: "), "{error}");
        assert!(matches!(points(Path::new("/")), Err(Error::Io { .. })));
    }

    #[test]
    fn mutations() {
        let good = "x,y,class\n0.25,-1.5e3,1\n\"3\",4,0\n5,6,2\n";
        mutate(good.as_bytes(), |bytes| {
            let _ = table(bytes, false);
            if let Ok(table) = table(bytes, true) {
                assert_eq!(table.rows.len(), (table.width - 1) * table.labels.len());
            }
        });
    }
}
