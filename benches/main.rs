//! Prints the table of ratios, runs one operation for a count of instructions, or prints what programs in other
//! languages can measure.

#![expect(clippy::print_stdout, reason = "a program prints")]

use bearproof_benches::{instructions, making, matrix, paired::BLOCKS, suite, table};

const USAGE: &str =
    "usage: bearproof-benches table [BLOCKS] | instructions OPERATION [raw] | matrix | making | tokens";

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let suite = suite()?;
    match arguments.as_slice() {
        ["table"] => println!("{}", table::table(&suite, BLOCKS)?),
        ["table", blocks] => {
            let blocks = blocks.parse().map_err(|_| format!("`{blocks}` is no number of blocks; {USAGE}"))?;
            println!("{}", table::table(&suite, blocks)?);
        }
        ["instructions", operation] => instructions::run(&suite, operation, false)?,
        ["instructions", operation, "raw"] => instructions::run(&suite, operation, true)?,
        ["matrix"] => println!("{}", matrix::run(&suite)?),
        ["making"] => print!("{}", making::run(&suite)?),
        ["tokens"] => println!("{}", table::tokens(&suite)?),
        _ => return Err(USAGE.into()),
    }
    Ok(())
}
