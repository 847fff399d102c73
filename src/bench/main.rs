//! Measurements: `loupe-bench counts DATABASE_URL [PEOPLE] [ROUNDS]`.

mod counts;

#[path = "../tests/support/books.rs"]
mod books;

#[tokio::main]
async fn main() -> Result<(), counts::Error> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u64| args.get(at).map_or(Ok(default), |n| n.parse());
    match args.first().map(String::as_str) {
        Some("counts") => {
            let url = args.get(1).ok_or("name an empty database to fill")?;
            counts::run(url, number(2, 100_000)?, usize::try_from(number(3, 200)?)?).await
        }
        _ => Err("what to measure: counts DATABASE_URL [PEOPLE] [ROUNDS]".into()),
    }
}
